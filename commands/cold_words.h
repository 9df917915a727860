/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of `read` and `write` (SPEC section 3): turned into a cold operation, as far as that is
 * possible without the guest. Words that are `$name` or an expression are left to a callback.
 */
#ifndef COMMANDS_COLD_WORDS_H
#define COMMANDS_COLD_WORDS_H

#include "base/err.h"
#include "coord/cold.h"

#include <stdint.h>

/* Gives the number that a word means; see show_number(). */
typedef struct err *(*cold_number_fn)(void *context, const char *word, int64_t *ret);
/* The same for an address, which may be a symbol's name. */
struct cold_resolver {
	cold_number_fn number, address;
	void *context;
};

/* `words` are those after `read` or `write`. ERR_USAGE says what is missing or unknown. */
struct err *cold_words_parse(bool write, unsigned int count, char *const *words,
			     const struct cold_resolver *resolver, struct cold_op *ret)
	__attribute__((warn_unused_result));

#endif
