/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of `trigger` share: each way of seeing that something went wrong makes a halt
 * (coord/halts.h) with a context of its own. cmd_trigger.c has the command; trigger_event.c what the kernel has a function
 * for; trigger_look.c what shows in its state only.
 *
 * Guest time counts everywhere: neither a busy host nor a guest that is kept frozen is an alarm.
 */
#ifndef COMMANDS_TRIGGER_IMPL_H
#define COMMANDS_TRIGGER_IMPL_H

#include "commands/session.h"
#include "coord/halts.h"
#include "vmm/breaks.h"

#define TRIGGER_PLACES 8

/* In making: `spec` points to `places`. */
struct trigger_spec {
	struct halt_spec halt;
	struct machine_break places[TRIGGER_PLACES];
};

/* panic, oops, oom, exit, lockup; false: no such event. A break where there are breaks, else by a look in a
 * rhythm, which comes a little late. */
bool trigger_is_event(const char *name);
struct err *trigger_event(struct session *s, const char *name, struct trigger_spec *ret)
	__attribute__((warn_unused_result));

/* A task of sched_ext has waited for more than half of what the watchdog allows. */
struct err *trigger_stall(struct session *s, struct trigger_spec *ret)
	__attribute__((warn_unused_result));
/* A CPU idles for `span` ns while a task waits that may use it. */
struct err *trigger_idle(struct session *s, uint64_t span, struct trigger_spec *ret)
	__attribute__((warn_unused_result));

/* How long each CPU that is busy has taken no tick. */
struct pulses;
struct err *pulses_create(struct session *s, struct pulses **ret) __attribute__((warn_unused_result));
void pulses_destroy(struct pulses *p); /* NULL is fine */
#define PULSES_EVERY 1000000000ull
/* Asked every PULSES_EVERY: whether one has for too long; which is added to `what`. */
struct err *pulses_look(struct pulses *p, bool *ret, struct str *what)
	__attribute__((warn_unused_result));

#endif
