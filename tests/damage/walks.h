/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walks: command lines of ktdbg, run by the product's own session over a guest's memory without
 * the guest. A walk ends with an answer or with an error; both must be fit for a terminal.
 */
#ifndef TESTS_DAMAGE_WALKS_H
#define TESTS_DAMAGE_WALKS_H

#include "tests/damage/memory.h"

#include "base/str.h"
#include "coord/kernel.h"

/* `memory` must be whole: the kernel is adopted from it. */
struct walks;
struct err *walks_create(struct memory *memory, struct walks **ret)
	__attribute__((warn_unused_result));
void walks_destroy(struct walks *w);

unsigned int walks_count(const struct walks *w);
const char *walks_line(const struct walks *w, unsigned int i);
/* How often it should be run, relative to the others. */
unsigned int walks_weight(const struct walks *w, unsigned int i);
/* Whether it belongs to those that are run on a kernel which was adopted from damaged memory. */
bool walks_adopts(const struct walks *w, unsigned int i);
/* The kernel as adopted from whole memory. */
struct kernel *walks_kernel(struct walks *w);

/* Forget what walks before have seen: the model, and for those that adopt the kernel too. */
void walks_forget(struct walks *w, bool adopts);
/* Whether there is a kernel to walk through. */
bool walks_has_kernel(struct walks *w, bool adopts);
/* Run one; JSON or text. Output is added to `output`. */
struct err *walks_run(struct walks *w, unsigned int i, bool json, struct str *output)
	__attribute__((warn_unused_result));

#endif
