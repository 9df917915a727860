/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reply log: the replies of cold operations in order, at most `capacity` of them, each kept in
 * as many bytes as it needs. Drained in order; the newest with a tag can be found whether drained
 * or not.
 */
#ifndef COORD_REPLIES_H
#define COORD_REPLIES_H

#include "base/err.h"
#include "coord/cold.h"

#include <stdbool.h>
#include <stdint.h>

struct replies;

struct err *replies_create(unsigned int capacity, struct replies **ret)
	__attribute__((warn_unused_result));
void replies_destroy(struct replies *r);
/* Copies; the oldest makes room. */
struct err *replies_add(struct replies *r, const struct cold_reply *reply)
	__attribute__((warn_unused_result));
/* The next that was not drained yet; false: none. */
bool replies_next(struct replies *r, struct cold_reply *ret);
bool replies_find(const struct replies *r, const char *tag, struct cold_reply *ret);
/* How many were pushed out undrained. */
uint64_t replies_lost(const struct replies *r);

#endif
