/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ops as forms: which command each is and which words it takes, one field a word. A form that is
 * filled in is a command line; nothing of what is typed means anything but what the command says of it.
 */
#ifndef TUI_OP_FORMS_H
#define TUI_OP_FORMS_H

#include "base/str.h"

#include <stdbool.h>

#define FORM_FIELDS 16

struct form_field {
	const char *label;  /* "NAME", "weight"; NULL ends the list */
	const char *prefix; /* before the value: "weight=", "" for a word by its place */
	const char *help;
	bool needed;
	bool is_cgroup;     /* filled in with the cgroup under the cursor */
};

struct op_form {
	const char *command; /* the words before the fields: "cgroup add"; NULL ends the list */
	const char *summary;
	struct form_field fields[FORM_FIELDS];
};

extern const struct op_form op_forms[];
/* NULL: no such one. */
const struct op_form *op_form_find(const char *command);
/* Whether this ktdbg has the command. */
bool op_form_offered(const struct op_form *form);

/* The line from the first `count` fields with those values; "" and NULL are left out. Appended. */
void op_form_line(const struct op_form *form, char *const *values, unsigned int count, struct str *s);
unsigned int op_form_fields(const struct op_form *form);

#endif
