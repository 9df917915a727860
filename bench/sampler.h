/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sampling the counters ten times a second costs a guest that runs freely, all its CPUs in a fixed loop.
 * The sampler is on and off in turn, for short slices, so that both see the same host.
 *
 * A busy host makes iterations a second of wall time worthless, so two things are measured that it
 * does not touch: how many iterations the guest makes a second of QEMU's own processor time, and what share
 * of a processor the sampling takes for itself.
 */
#ifndef BENCH_SAMPLER_H
#define BENCH_SAMPLER_H

#include "base/err.h"
#include "vmm/machine.h"

struct sampler_cost {
	double rate_off, rate_on; /* iterations a second of QEMU's processor time, medians over slices */
	double slower;		  /* median over pairs of neighbouring slices of 1 - on / off */
	double share;		  /* of one processor: what this thread needs more when it samples */
	unsigned int samples;	  /* taken in all */
};

struct err *sampler_measure(enum clock_kind clock, struct sampler_cost *ret) __attribute__((warn_unused_result));

#endif
