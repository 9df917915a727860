/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pictures that views draw: copies of the coordinator's model, so that the guest runs on while
 * the screen shows them, and an older one to compare with for rates. Rates are per second of guest
 * time.
 *
 * While the guest runs the older picture is one to two seconds (of guest time) behind; while it is
 * frozen and stepped it is the one before the last step. Threads: one.
 */
#ifndef TUI_SNAPSHOT_H
#define TUI_SNAPSHOT_H

#include "base/err.h"
#include "coord/model.h"

#include <stdbool.h>
#include <stdint.h>

/* A model of our own; its private members are NULL. */
struct snapshot {
	struct model model;
	int *by_pid; /* indexes of tasks, ordered by pid */
	bool taken;
};

struct sampler {
	struct snapshot now, base, next_base;
	uint64_t host_time; /* host_now() of the last picture */
};

void sampler_deinit(struct sampler *s);
void sampler_forget(struct sampler *s); /* another guest */
/* Copy `model`; `stepped`: the guest is frozen between pictures. On failure nothing has changed. */
struct err *sampler_add(struct sampler *s, const struct model *model, bool stepped)
	__attribute__((warn_unused_result));

const struct model *sampler_model(const struct sampler *s); /* NULL before the first picture */
/* Index into the newest picture's tasks, -1. */
int sampler_find(const struct sampler *s, int pid);
/* Guest ns between the picture compared with and the newest one; 0: nothing to compare with. */
uint64_t sampler_interval(const struct sampler *s);
/* The same task and the same CPU in that older picture, NULL when it was not there. */
const struct model_task *sampler_old_task(const struct sampler *s, const struct model_task *task);
const struct model_cpu *sampler_old_cpu(const struct sampler *s, unsigned int cpu);
/* (now - old) per second of guest time; negative differences count as 0. */
double sampler_rate(const struct sampler *s, uint64_t now, uint64_t old);

#endif
