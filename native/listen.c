// Listening sockets: of TCP where they outlive the process that serves them, of Unix where Node's own are not wanted yet.
#include "addon.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// As Node's own: an address is free again at once when its last socket has gone, and `::` takes IPv4 too.
static int open_listening(const struct sockaddr *address, socklen_t size, int backlog, const char **failed) {
  const int on = 1, off = 0;
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  *failed = "socket";
  if (fd < 0) return -1;
  *failed = "setsockopt";
  if (address->sa_family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) goto fail;
  if (address->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) goto fail;
  *failed = "bind";
  if (bind(fd, address, size) < 0) goto fail;
  *failed = "listen";
  if (listen(fd, backlog) < 0) goto fail;
  return fd;
fail:;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

napi_value listen_tcp(napi_env env, napi_callback_info info) {
  struct call call;
  char text[NAME_SIZE];
  double port, backlog;
  call_begin(&call, env, info, "listenTcp");
  if (!arg_name(&call, 0, "address", text) || !arg_integer(&call, 1, "port", 0, UINT16_MAX, &port) ||
      !arg_integer(&call, 2, "backlog", 1, 65535, &backlog) || !descriptor_reserve(&call, 1)) {
    return NULL;
  }
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  const char *failed = "inet_pton";
  int fd = -1;
  errno = EINVAL;
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) fd = open_listening((struct sockaddr *)&v4, sizeof v4, (int)backlog, &failed);
  else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) fd = open_listening((struct sockaddr *)&v6, sizeof v6, (int)backlog, &failed);
  if (fd < 0) return throw_errno(env, errno, failed, "listen on port %d of %s", (int)port, text);
  napi_value result = NULL;
  napi_create_uint32(env, descriptor_add(call.state, fd), &result);
  return result;
}

napi_value listen_unix(napi_env env, napi_callback_info info) {
  struct call call;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char path[sizeof address.sun_path + 1];  // one more than fits: so it is seen to be too long
  size_t length = 0;
  double backlog;
  call_begin(&call, env, info, "listenUnix");
  if (napi_get_value_string_utf8(env, call.args[0], path, sizeof path, &length) != napi_ok || length == 0) {
    return bad_argument(&call, 0, false, "path", "a string that is not empty"), NULL;
  }
  if (!arg_integer(&call, 1, "backlog", 1, 65535, &backlog) || !descriptor_reserve(&call, 1)) return NULL;
  if (length >= sizeof address.sun_path) return throw_errno(env, ENAMETOOLONG, "bind", "listen on a path that begins with %.60s", path);
  memcpy(address.sun_path, path, length);
  const char *failed = NULL;
  int fd = open_listening((struct sockaddr *)&address, sizeof address, (int)backlog, &failed);
  if (fd < 0) return throw_errno(env, errno, failed, "listen on %s", path);
  napi_value result = NULL;
  napi_create_uint32(env, descriptor_add(call.state, fd), &result);
  return result;
}
