/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a BPF map holds, as rows: the variables of a section, the elements of an array or a hash, or
 * one place inside it.
 */
#ifndef COMMANDS_BPF_SHOW_H
#define COMMANDS_BPF_SHOW_H

#include "base/err.h"
#include "base/out.h"
#include "coord/bpf.h"

/* A table of all of it, at most BPF_SHOW_MAX elements; more are told in a line below. */
#define BPF_SHOW_MAX 4096
struct err *bpf_show_map(struct bpf_open *open, struct out *out)
	__attribute__((warn_unused_result));

/* What lies at `path` (the tail of `name`, as bpf_split() gave it), with all its members. */
struct err *bpf_show_place(struct bpf_open *open, const char *name, const char *path,
			   struct out *out) __attribute__((warn_unused_result));

#endif
