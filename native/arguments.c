// Checks of arguments, and errors. Nothing here runs code of the caller's (no coercion, no getters), and no wrong value gets further.
#include "addon.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void call_begin(struct call *call, napi_env env, napi_callback_info info, const char *function) {
  *call = (struct call){.env = env, .function = function, .count = 4};
  void *data = NULL;
  napi_get_cb_info(env, info, &call->count, call->args, NULL, &data);
  call->state = data;
}

// "5000", "string "abc"", "object": enough to recognise the value in a message.
static void describe(struct call *call, int index, char *text, size_t size) {
  static const char *const names[] = {"undefined", "null",   "boolean",  "number",   "string",
                                      "symbol",    "object", "function", "external", "bigint"};
  napi_valuetype type = napi_undefined;
  napi_typeof(call->env, call->args[index], &type);
  if (type == napi_number) {
    double value = 0;
    napi_get_value_double(call->env, call->args[index], &value);
    snprintf(text, size, "%.15g", value);
  } else if (type == napi_string) {
    char start[33] = "";
    napi_get_value_string_utf8(call->env, call->args[index], start, sizeof start, NULL);
    snprintf(text, size, "string \"%s\"", start);
  } else {
    snprintf(text, size, "%s", (size_t)type < sizeof names / sizeof *names ? names[type] : "something else");
  }
}

bool bad_argument(struct call *call, int index, bool range, const char *name, const char *expected) {
  char value[64], message[256];
  describe(call, index, value, sizeof value);
  snprintf(message, sizeof message, "%s: %s must be %s, got %s", call->function, name, expected, value);
  if (range) napi_throw_range_error(call->env, "ERR_OUT_OF_RANGE", message);
  else napi_throw_type_error(call->env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

bool arg_integer(struct call *call, int index, const char *name, double min, double max, double *value) {
  bool is_number = napi_get_value_double(call->env, call->args[index], value) == napi_ok;
  if (is_number && *value >= min && *value <= max && floor(*value) == *value) return true;
  char expected[96];
  snprintf(expected, sizeof expected, "an integer from %.0f to %.0f", min, max);
  return bad_argument(call, index, is_number, name, expected);
}

bool arg_boolean(struct call *call, int index, const char *name, bool *value) {
  return napi_get_value_bool(call->env, call->args[index], value) == napi_ok || bad_argument(call, index, false, name, "a boolean");
}

bool arg_function(struct call *call, int index, const char *name) {
  napi_valuetype type = napi_undefined;
  napi_typeof(call->env, call->args[index], &type);
  return type == napi_function || bad_argument(call, index, false, name, "a function");
}

// Cut to what fits; control characters become '?', since the text ends up in one line of a message.
bool arg_name(struct call *call, int index, const char *name, char text[NAME_SIZE]) {
  size_t length = 0;
  if (napi_get_value_string_utf8(call->env, call->args[index], text, NAME_SIZE, &length) != napi_ok) {
    return bad_argument(call, index, false, name, "a string");
  }
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)text[i] < ' ') text[i] = '?';
  }
  return true;
}

struct descriptor *arg_descriptor(struct call *call, int index, const char *name) {
  double number = 0;
  if (napi_get_value_double(call->env, call->args[index], &number) != napi_ok) {
    bad_argument(call, index, false, name, "a Descriptor");
    return NULL;
  }
  struct descriptor *descriptor = descriptor_find(call->state, number);
  if (descriptor != NULL) return descriptor;
  char message[160];
  snprintf(message, sizeof message, "%s: %s is %.15g, not an open Descriptor: EBADF (Bad file descriptor)", call->function, name, number);
  throw_code(call->env, "EBADF", call->function, message);
  return NULL;
}

napi_value throw_code(napi_env env, const char *code, const char *syscall, const char *message) {
  napi_value code_value = NULL, text = NULL, syscall_value = NULL, error = NULL;
  napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value);
  napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text);
  napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &syscall_value);
  napi_create_error(env, code_value, text, &error);
  napi_set_named_property(env, error, "syscall", syscall_value);
  napi_throw(env, error);
  return NULL;
}

napi_value throw_errno(napi_env env, int error, const char *syscall, const char *format, ...) {
  char attempt[256], message[400];
  va_list values;
  va_start(values, format);
  vsnprintf(attempt, sizeof attempt, format, values);
  va_end(values);
  const char *code = uv_err_name(-error);
  snprintf(message, sizeof message, "%s failed: %s (%s)", attempt, code, strerror(error));
  return throw_code(env, code, syscall, message);
}
