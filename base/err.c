/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct err {
	enum err_kind kind;
	uint64_t address;
	char *detail;
};

static char nomem_detail[] = "out of memory";
static struct err nomem_err = {ERR_NOMEM, 0, nomem_detail};

struct err *err_nomem(void)
{
	return &nomem_err;
}

static struct err *err_take(enum err_kind kind, uint64_t address, char *detail)
{
	struct err *err;

	if (!detail)
		return &nomem_err;
	err = malloc(sizeof(*err));
	if (!err) {
		free(detail);
		return &nomem_err;
	}
	*err = (struct err){kind, address, detail};
	return err;
}

struct err *err_new(enum err_kind kind, const char *fmt, ...)
{
	va_list ap;
	char *detail;

	va_start(ap, fmt);
	detail = str_vformat(fmt, ap);
	va_end(ap);
	return err_take(kind, 0, detail);
}

/* "first: second", taking neither; NULL when out of memory. */
static char *join(const char *first, const char *second)
{
	char *text = NULL;

	if (!first || asprintf(&text, "%s: %s", first, second) < 0)
		return NULL;
	return text;
}

struct err *err_os(int errnum, const char *fmt, ...)
{
	va_list ap;
	char *context, *detail;

	va_start(ap, fmt);
	context = str_vformat(fmt, ap);
	va_end(ap);
	detail = join(context, strerror(errnum));
	free(context);
	return err_take(ERR_OS, 0, detail);
}

struct err *err_fault(uint64_t address)
{
	char *detail = NULL;

	if (asprintf(&detail, "bad address 0x%" PRIx64, address) < 0)
		detail = NULL;
	return err_take(ERR_FAULT, address, detail);
}

struct err *err_wrap(struct err *err, const char *fmt, ...)
{
	va_list ap;
	char *context, *detail;

	if (!err || err == &nomem_err)
		return err;
	va_start(ap, fmt);
	context = str_vformat(fmt, ap);
	va_end(ap);
	detail = join(context, err->detail);
	free(context);
	if (detail) {
		free(err->detail);
		err->detail = detail;
	}
	return err;
}

enum err_kind err_kind(const struct err *err)
{
	return err->kind;
}

const char *err_detail(const struct err *err)
{
	return err->detail;
}

uint64_t err_address(const struct err *err)
{
	return err->address;
}

void err_free(struct err *err)
{
	if (!err || err == &nomem_err)
		return;
	free(err->detail);
	free(err);
}

int err_exit_status(const struct err *err)
{
	switch (err->kind) {
	case ERR_USAGE:
		return 2;
	case ERR_ENVIRONMENT:
	case ERR_QMP:
	case ERR_NOMEM:
		return 3;
	case ERR_GUEST_DIED:
		return 4;
	case ERR_NOT_OFFERED:
		return 77;
	case ERR_INTERRUPTED:
		return 130;
	default:
		return 1;
	}
}
