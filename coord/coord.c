/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/coord_impl.h"

#include "base/log.h"
#include "coord/agent.h"
#include "coord/cold.h"
#include "coord/counters.h"
#include "coord/halts.h"
#include "coord/model.h"
#include "coord/panic.h"
#include "coord/snapshot.h"
#include "coord/steal_book.h"

#include <inttypes.h>
#include <stdlib.h>

static void forget_model(struct coord *c)
{
	model_destroy(c->model);
	c->model = NULL;
}

void coord_forget_kernel(struct coord *c)
{
	forget_model(c);
	if (c->counters)
		counters_forget(c->counters);
	model_layout_put(c->layout);
	c->layout = NULL;
	steal_book_destroy(c->steal);
	c->steal = NULL;
	if (c->kernel)
		c->kernel_hint = kernel_info(c->kernel)->vmcoreinfo;
	kernel_destroy(c->kernel);
	c->kernel = NULL;
	err_free(c->adopt_error);
	c->adopt_error = NULL;
	c->epoch++;
}

/* The error kept from a failed adoption stays ours: hand out a copy. */
static struct err *adopt_error_copy(const struct coord *c)
{
	return err_new(err_kind(c->adopt_error), "%s", err_detail(c->adopt_error));
}

/* A kernel without BTF will not grow one; one that is still booting may be adopted once it has run.
 */
static bool adoption_is_pointless(const struct coord *c)
{
	return c->adopt_error &&
	       (c->adopt_epoch == c->epoch || err_kind(c->adopt_error) == ERR_ABSENT);
}

void coord_find_steal(struct coord *c)
{
	struct err *err = steal_book_create(c->kernel, c->machine, &c->steal);

	if (err)
		log_info("no steal: %s", err_detail(err));
	err_free(err);
}

static struct err *adopt(struct coord *c)
{
	struct err *err;

	if (adoption_is_pointless(c))
		return adopt_error_copy(c);
	err_free(c->adopt_error);
	c->adopt_error = NULL;
	err = kernel_adopt(machine_ram(c->machine), c->kernel_hint, &c->kernel);
	if (err && err_kind(err) == ERR_NOMEM)
		return err;
	if (err) {
		c->adopt_error = err;
		c->adopt_epoch = c->epoch;
		return adopt_error_copy(c);
	}
	c->panic_word = panic_word(c->kernel);
	coord_find_steal(c);
	c->window_epoch = c->epoch;
	c->adoptions++;
	log_info("adopted %s in %" PRIu64 " us", kernel_info(c->kernel)->release,
		 kernel_info(c->kernel)->adopt_ns / 1000);
	return NULL;
}

struct err *coord_kernel(struct coord *c, struct kernel **ret)
{
	if (!c->kernel) {
		ERR_TRY(coord_enter(c));
		ERR_TRY(coord_leave_with(c, adopt(c)));
	}
	*ret = c->kernel;
	return NULL;
}

struct err *coord_create(struct machine *machine, enum coord_pacing pacing, struct coord **ret)
{
	struct coord *c = calloc(1, sizeof(*c));
	struct err *err;

	if (!c)
		return err_nomem();
	c->machine = machine;
	c->epoch = 1;
	/* Held until the caller opens a window or calls coord_idle(), whatever the pacing. */
	coord_set_pacing(c, pacing);
	err = adopt(c);
	if (err && err_kind(err) != ERR_NOMEM) {
		log_info("not adopted yet: %s", err_detail(err));
		err_free(err);
		err = NULL;
	}
	if (!err)
		err = counters_create(&c->counters);
	if (!err)
		err = snapshots_create(&c->snapshots);
	if (!err)
		err = halts_create(c->machine, &c->halts);
	if (!err)
		err = cold_create(c, &c->cold);
	if (!err)
		err = agent_create(c, &c->agent);
	if (err) {
		/* The machine stays the caller's when this fails. */
		c->machine = NULL;
		coord_destroy(c);
		return err;
	}
	*ret = c;
	return NULL;
}

void coord_destroy(struct coord *c)
{
	if (!c)
		return;
	agent_destroy(c->agent);
	cold_destroy(c->cold);
	coord_forget_kernel(c);
	counters_destroy(c->counters);
	snapshots_destroy(c->snapshots);
	halts_destroy(c->halts);
	str_deinit(&c->stopped);
	machine_destroy(c->machine);
	free(c);
}

struct machine *coord_machine(struct coord *c)
{
	return c->machine;
}

struct err *coord_steal_book(struct coord *c, struct steal_book **ret)
{
	struct kernel *kernel;

	ERR_TRY(coord_kernel(c, &kernel));
	if (!c->steal && machine_info(c->machine)->still)
		return err_new(ERR_ABSENT, "no steal is kept in a dump");
	if (!c->steal && machine_info(c->machine)->attached)
		return err_new(ERR_ABSENT, "no steal is kept for a guest that was attached to");
	if (!c->steal)
		return err_new(ERR_ABSENT, "this kernel keeps no steal time");
	*ret = c->steal;
	return NULL;
}

struct agent *coord_agent(struct coord *c)
{
	return c->agent;
}

struct cold *coord_cold(struct coord *c)
{
	return c->cold;
}

struct snapshots *coord_snapshots(struct coord *c)
{
	return c->snapshots;
}

struct halts *coord_halts(struct coord *c)
{
	return c->halts;
}

struct counters *coord_counters(struct coord *c)
{
	return c->counters;
}

enum coord_pacing coord_pacing(const struct coord *c)
{
	return c->pacing;
}

uint64_t coord_time(struct coord *c)
{
	return machine_time(c->machine);
}

uint64_t coord_adoption(const struct coord *c)
{
	return c->adoptions;
}

uint64_t coord_epoch(const struct coord *c)
{
	return c->epoch;
}

struct err *coord_layout(struct coord *c, struct model_layout **ret)
{
	struct kernel *kernel;

	ERR_TRY(coord_kernel(c, &kernel));
	if (!c->layout)
		ERR_TRY(model_layout_create(kernel, &c->layout));
	*ret = c->layout;
	return NULL;
}

/*
 * A CPU's clock stands while it idles or keeps interrupts off, and all may do so at once. How far the
 * latest of them is behind guest time is smallest just after one moved: from that, now follows.
 */
static void set_now(struct coord *c, struct model *model)
{
	uint64_t behind = model->time - model->clock;

	if (!c->clock_known || (int64_t)(behind - c->clock_behind) < 0)
		c->clock_behind = behind;
	c->clock_known = true;
	model->now = model->time - c->clock_behind;
}

bool coord_clock_behind(const struct coord *c, uint64_t *ret)
{
	*ret = c->clock_behind;
	return c->clock_known;
}

void coord_set_clock_behind(struct coord *c, uint64_t ns)
{
	c->clock_behind = ns;
	c->clock_known = true;
}

static struct err *take_model(struct coord *c)
{
	struct model_layout *layout;
	struct kernel *kernel;
	struct model *model;

	ERR_TRY(coord_layout(c, &layout));
	ERR_TRY(coord_kernel(c, &kernel));
	ERR_TRY(model_take(kernel, layout, &model));
	model->time = machine_time(c->machine);
	set_now(c, model);
	forget_model(c);
	c->model = model;
	c->model_epoch = c->epoch;
	return NULL;
}

struct err *coord_model(struct coord *c, const struct model **ret)
{
	ERR_TRY(coord_enter(c));
	if (!c->model || c->model_epoch != c->epoch)
		ERR_TRY(coord_leave_with(c, take_model(c)));
	else
		ERR_TRY(coord_leave(c));
	*ret = c->model;
	return NULL;
}

void coord_touched(struct coord *c)
{
	forget_model(c);
}
