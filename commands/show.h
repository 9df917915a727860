/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small things that several commands share: cells for numbers that a kernel may lack, words that name a
 * task, a CPU or a number (also as `$name` or an expression).
 */
#ifndef COMMANDS_SHOW_H
#define COMMANDS_SHOW_H

#include "base/err.h"
#include "base/out.h"
#include "commands/session.h"
#include "coord/model.h"

#include <stdint.h>

struct out_value show_maybe(struct maybe m);
struct out_value show_maybe_hex(struct maybe m);
struct out_value show_maybe_signed(struct maybe m);
/* A task's name with a NUL whatever the guest wrote there. */
#define SHOW_COMM 17
const char *show_comm(const struct model_task *task, char buffer[SHOW_COMM]);
/* A line of prose when a walk was cut off; nothing for "". */
void show_damage(struct out *out, const char *damage);

/* The agent, for commands with CMD_AGENT; ERR_ABSENT when this guest has none. */
struct err *show_agent(struct session *s, struct agent **ret) __attribute__((warn_unused_result));

/* A line for each of `count` workers of `cgroup` from `first` on: what `spawn` answers. */
struct err *spawn_show(struct agent *agent, const char *cgroup, unsigned int first, unsigned int count,
		       struct out *out) __attribute__((warn_unused_result));

/* A word that means a number: decimal, 0x, or any expression (`$w`, `worker(web,0)`). Needs the kernel
 * only for expressions. ERR_USAGE names the word. */
struct err *show_number(struct session *s, const char *word, int64_t *ret)
	__attribute__((warn_unused_result));
/* The same as the number of a CPU that this guest has, also written `cpu:N`; ERR_NOT_FOUND. */
struct err *show_cpu_number(struct session *s, const char *word, unsigned int *ret)
	__attribute__((warn_unused_result));
/* The same as a kernel address: a number, a symbol's name, or an expression. */
struct err *show_address(struct session *s, const char *word, uint64_t *ret)
	__attribute__((warn_unused_result));

#endif
