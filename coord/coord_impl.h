/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What coord.c (the kernel, the model, and whom the coordinator has) and coord_run.c (who lets guest time
 * pass) share. Nobody else includes this.
 */
#ifndef COORD_COORD_IMPL_H
#define COORD_COORD_IMPL_H

#include "base/str.h"
#include "coord/coord.h"

struct coord {
	struct machine *machine;
	struct kernel *kernel;
	uint64_t panic_word;	 /* of `kernel`, 0: none */
	uint64_t kernel_hint;	 /* where vmcoreinfo was at the last adoption */
	struct err *adopt_error; /* why the last adoption failed */
	uint64_t adopt_epoch;	 /* when it did */
	uint64_t adoptions;
	struct agent *agent;
	struct cold *cold;
	struct counters *counters;
	struct snapshots *snapshots;
	struct halts *halts;
	struct str stopped; /* why a halt made it stand; empty: none did */
	bool heed;	    /* halts end the run that is under way */
	struct steal_book *steal; /* of `kernel`, NULL: it keeps none */
	struct model_layout *layout; /* of `kernel`, made at the first model */
	struct model *model;
	uint64_t model_epoch;
	uint64_t clock_behind; /* guest time less the run queues' clock: the least seen, ns */
	bool clock_known;
	enum coord_pacing pacing;
	bool frozen;
	bool running;	    /* as we left the machine; nobody else starts or holds it */
	unsigned int depth; /* of windows */
	uint64_t epoch;
	uint64_t window_epoch; /* the epoch that the kernel's translations belong to */
	struct coord_lookout *lookout; /* borrowed; NULL: nobody */
};

/* The guest's account of steal, if its kernel keeps one: without it everything else works. */
void coord_find_steal(struct coord *c);

#endif
