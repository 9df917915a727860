/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/cold.h"

#include "base/parse.h"
#include "coord/access.h"
#include "coord/bpf.h"
#include "coord/changes.h"
#include "coord/coord.h"
#include "coord/globals.h"
#include "coord/path.h"
#include "coord/refuse.h"
#include "coord/replies.h"
#include "coord/tasks.h"
#include "coord/validate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long an operation waits for adoption, and how often it tries, in guest time. */
#define ADOPTION_WAIT 60000000000ull
#define ADOPTION_STEP 100000000ull

/* What was looked up once in the kernel that is adopted now. */
struct lookups {
	uint64_t adoption; /* coord_adoption() that it belongs to, 0: none */
	struct task_finder finder;
	struct validate_layout validate;
	uint32_t task_struct;
};

struct cold {
	struct coord *coord;
	struct lookups lookups;
	struct changes *changes;
	struct replies *replies;
};

/* One operation on its way: everything that is known about it so far. */
struct run {
	struct cold *cold;
	struct kernel *kernel;
	const struct cold_op *op;
	uint64_t waited; /* guest ns for adoption */
	struct place place;
	struct access access;
	struct validate_result validation;
	struct bpf_open *bpf; /* TARGET_BPF: `kernel` is its view then */
	bool forced;
	struct cold_reply *reply;
};

struct err *cold_create(struct coord *coord, struct cold **ret)
{
	struct cold *cold = calloc(1, sizeof(*cold));
	struct err *err;

	if (!cold)
		return err_nomem();
	cold->coord = coord;
	err = changes_create(&cold->changes);
	if (!err)
		err = replies_create(COLD_REPLIES_MAX, &cold->replies);
	if (err) {
		cold_destroy(cold);
		return err;
	}
	*ret = cold;
	return NULL;
}

void cold_destroy(struct cold *cold)
{
	if (!cold)
		return;
	changes_destroy(cold->changes);
	replies_destroy(cold->replies);
	free(cold);
}

/* --- the kernel, which may have to be waited for --- */

struct adoption_wait {
	struct coord *coord;
	struct kernel *kernel;
};

static struct err *test_adopted(void *context, bool *ret)
{
	struct adoption_wait *wait = context;
	struct err *err = coord_kernel(wait->coord, &wait->kernel);

	*ret = !err;
	if (err && err_kind(err) == ERR_NOT_FOUND) {
		err_free(err);
		err = NULL;
	}
	return err;
}

/* The adopted kernel; `waited` is how much guest time it took to get it. */
static struct err *get_kernel(struct cold *cold, struct kernel **ret, uint64_t *waited)
{
	struct adoption_wait wait = {.coord = cold->coord};
	uint64_t before = coord_time(cold->coord);
	struct err *err = coord_kernel(cold->coord, ret);

	*waited = 0;
	if (!err || err_kind(err) != ERR_NOT_FOUND)
		return err;
	if (coord_frozen(cold->coord))
		return err_wrap(err, "the kernel is not adopted yet, and the guest is frozen");
	err_free(err);
	err = coord_run_until_test(cold->coord, test_adopted, &wait, ADOPTION_STEP, ADOPTION_WAIT);
	if (err)
		return err_wrap(err, "waiting for the kernel to be adopted");
	*ret = wait.kernel;
	*waited = coord_time(cold->coord) - before;
	return NULL;
}

static struct err *look_up(struct cold *cold, struct kernel *k)
{
	struct lookups *l = &cold->lookups;

	if (l->adoption == coord_adoption(cold->coord))
		return NULL;
	l->adoption = 0;
	ERR_TRY(task_finder_init(k, &l->finder));
	ERR_TRY(types_parse(kernel_types(k), "struct task_struct", &l->task_struct));
	validate_layout_init(k, &l->validate);
	l->adoption = coord_adoption(cold->coord);
	return NULL;
}

/* --- resolving a target to a place --- */

static struct err *resolve_task(struct run *r)
{
	const struct target *t = &r->op->target;
	struct cold *cold = r->cold;
	struct validate_request request = {
		.pid = t->pid, .start_ns = t->start_ns, .flags = r->op->flags};

	ERR_TRY(look_up(cold, r->kernel));
	ERR_TRY(err_wrap(task_find(r->kernel, &cold->lookups.finder, t->pid, &request.task), "L1"));
	ERR_TRY(validate_task(r->kernel, &cold->lookups.validate, &request, &r->validation));
	r->forced |= r->validation.forced;
	return path_resolve(r->kernel, cold->lookups.task_struct, request.task, t->field,
			    &r->place);
}

/* The type of a variable, 0 when nobody knows it: a width then says what to read. */
static struct err *variable_type(struct run *r, uint32_t *ret)
{
	const struct target *t = &r->op->target;
	struct err *err = global_type(kernel_types(r->kernel), t->name, ret);

	if (!err)
		return NULL;
	if (t->field[0] || r->op->width.kind == WIDTH_BTF) {
		struct err *clear = err_new(ERR_USAGE, "the type of %s is not known%s", t->name,
					    t->field[0] ? ", so neither are its members"
							: ": say one, as in :u64");
		err_free(err);
		return clear;
	}
	err_free(err);
	*ret = 0;
	return NULL;
}

static struct err *resolve_variable(struct run *r)
{
	const struct target *t = &r->op->target;
	uint64_t address;
	uint32_t type;

	ERR_TRY(kernel_symbol(r->kernel, t->name, &address));
	ERR_TRY(variable_type(r, &type));
	if (t->kind == TARGET_PERCPU)
		ERR_TRY(kernel_percpu(r->kernel, address, t->cpu, &address));
	return path_resolve(r->kernel, type, address, t->field, &r->place);
}

/* From here on the operation sees the kernel with the map's own types. */
static struct err *open_map(struct run *r, const char **path)
{
	const struct bpf_map *map;
	struct bpf_list list;
	struct err *err;

	ERR_TRY(bpf_list(r->kernel, &list));
	err = bpf_split(&list, r->op->target.field, &map, path);
	if (!err)
		err = bpf_open(r->kernel, map, &r->bpf);
	bpf_list_deinit(&list);
	if (!err)
		r->kernel = bpf_open_kernel(r->bpf);
	return err;
}

static struct err *resolve_bpf(struct run *r)
{
	const char *path = NULL;

	ERR_TRY(open_map(r, &path));
	return bpf_place(r->bpf, path, &r->place);
}

static struct err *resolve(struct run *r)
{
	const struct target *t = &r->op->target;

	switch (t->kind) {
	case TARGET_TASK:
		return resolve_task(r);
	case TARGET_PERCPU:
	case TARGET_SYMBOL:
		return resolve_variable(r);
	case TARGET_KVA:
		r->place = (struct place){.address = t->address};
		return NULL;
	case TARGET_DIRECT:
		r->place = (struct place){.address = kernel_direct_map(r->kernel, t->address)};
		return NULL;
	case TARGET_BPF:
		return resolve_bpf(r);
	}
	return err_new(ERR_USAGE, "unknown target");
}

static struct err *check_refusal(struct run *r)
{
	char reason[REFUSAL_TEXT];

	if (!(r->op->flags & COLD_WRITE))
		return NULL;
	ERR_TRY(refuse_reason(r->kernel, &r->place, reason));
	if (!reason[0] && r->bpf && bpf_open_map(r->bpf)->flags & BPF_BIT_RDONLY_PROG)
		snprintf(reason, sizeof(reason),
			 "%s is read-only for programs, whose code has its value built in",
			 r->op->target.field);
	if (!reason[0])
		return NULL;
	if (!(r->op->flags & COLD_FORCE_FIELD))
		return err_new(ERR_REFUSED, "%s: not written without --force FIELD", reason);
	r->forced = true;
	return NULL;
}

/* --- reading and writing --- */

/* Host address of a hot access: one naturally aligned word in one page. */
static struct err *hot_word(struct run *r, void **ret)
{
	const struct access *a = &r->access;

	if (a->kind != ACCESS_NUMBER || a->bit_size || a->is_or || (a->len & (a->len - 1)))
		return err_new(ERR_REFUSED, "%s cannot be hot: not one word of 1, 2, 4 or 8 bytes",
			       a->name);
	if (a->address % a->len)
		return err_new(ERR_REFUSED, "0x%" PRIx64 " cannot be hot: not aligned to %u bytes",
			       a->address, a->len);
	if (machine_ram(coord_machine(r->cold->coord))->copy)
		return err_new(ERR_REFUSED, "--hot needs memory that qemu shares, which this one does not");
	*ret = kernel_at(r->kernel, a->address, a->len);
	return *ret ? NULL : err_fault(a->address);
}

static struct err *hot_read(struct run *r, uint8_t *bytes)
{
	void *word = NULL;
	uint64_t value;

	ERR_TRY(hot_word(r, &word));
	switch (r->access.len) {
	case 1:
		value = __atomic_load_n((uint8_t *)word, __ATOMIC_SEQ_CST);
		break;
	case 2:
		value = __atomic_load_n((uint16_t *)word, __ATOMIC_SEQ_CST);
		break;
	case 4:
		value = __atomic_load_n((uint32_t *)word, __ATOMIC_SEQ_CST);
		break;
	default:
		value = __atomic_load_n((uint64_t *)word, __ATOMIC_SEQ_CST);
		break;
	}
	memcpy(bytes, &value, r->access.len);
	return NULL;
}

static struct err *hot_write(struct run *r, const uint8_t *bytes)
{
	void *word = NULL;
	uint64_t value = 0;

	ERR_TRY(hot_word(r, &word));
	memcpy(&value, bytes, r->access.len);
	switch (r->access.len) {
	case 1:
		__atomic_store_n((uint8_t *)word, (uint8_t)value, __ATOMIC_SEQ_CST);
		break;
	case 2:
		__atomic_store_n((uint16_t *)word, (uint16_t)value, __ATOMIC_SEQ_CST);
		break;
	case 4:
		__atomic_store_n((uint32_t *)word, (uint32_t)value, __ATOMIC_SEQ_CST);
		break;
	default:
		__atomic_store_n((uint64_t *)word, value, __ATOMIC_SEQ_CST);
		break;
	}
	return NULL;
}

static struct err *read_bytes(struct run *r, uint8_t *bytes)
{
	if (r->op->flags & COLD_HOT)
		return hot_read(r, bytes);
	return kernel_read(r->kernel, r->access.address, bytes, r->access.len);
}

static struct err *write_bytes(struct run *r, const uint8_t *bytes)
{
	if (r->op->flags & COLD_HOT)
		return hot_write(r, bytes);
	return kernel_write(r->kernel, r->access.address, bytes, r->access.len);
}

/* --- replies --- */

static void add_note(struct cold_reply *reply, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_note(struct cold_reply *reply, const char *fmt, ...)
{
	size_t len = strlen(reply->note);
	va_list ap;

	if (len && len + 2 < sizeof(reply->note)) {
		strcpy(reply->note + len, ", ");
		len += 2;
	}
	va_start(ap, fmt);
	vsnprintf(reply->note + len, sizeof(reply->note) - len, fmt, ap);
	va_end(ap);
}

static void fill_notes(struct run *r)
{
	struct cold_reply *reply = r->reply;
	char text[DURATION_TEXT];

	reply->is_write = r->op->flags & COLD_WRITE;
	reply->hot = r->op->flags & COLD_HOT;
	reply->dry_run = r->op->flags & COLD_DRY_RUN;
	reply->queued = r->validation.queued;
	if (reply->queued)
		add_note(reply, "queued");
	if (reply->hot)
		add_note(reply, "hot");
	if (reply->dry_run)
		add_note(reply, "dry run");
	if (r->forced)
		add_note(reply, "forced");
	if (r->validation.note[0])
		add_note(reply, "%s", r->validation.note);
	if (r->waited)
		add_note(reply, "waited %s", format_duration(r->waited, text));
}

/* What does not fit ends in dots; the value itself is whole. */
static void copy_text(char *buffer, size_t size, const char *text)
{
	if ((size_t)snprintf(buffer, size, "%s", text) >= size)
		strcpy(buffer + size - 4, "...");
}

/* A reply is one line: the line breaks and indents of a struct become single blanks. */
static void flatten(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		bool blank = *from == '\n' || *from == '\t';

		if (!blank)
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
}

static void render(struct kernel *k, const struct access *a, const uint8_t *bytes,
		   struct value *value, char *text, size_t size)
{
	struct str s = {0};

	if (a->kind == ACCESS_WHOLE) {
		*value = value_object(a->type, a->address);
		value_format(k, value, 1, &s);
		if (s.data)
			flatten(s.data);
	} else {
		access_decode(a, bytes, value);
		if (a->kind == ACCESS_BYTES)
			for (uint32_t i = 0; i < a->len; i++)
				str_addf(&s, "%02x", bytes[i]);
		else
			value_format(k, value, 0, &s);
	}
	copy_text(text, size, str_text(&s));
	str_deinit(&s);
}

static struct err *do_read(struct run *r)
{
	uint8_t bytes[COLD_BYTES_MAX] = {0};

	if (r->access.kind == ACCESS_WHOLE && (r->op->flags & COLD_HOT))
		return err_new(ERR_REFUSED, "%s cannot be hot: not one word", r->access.name);
	if (r->access.kind != ACCESS_WHOLE)
		ERR_TRY(read_bytes(r, bytes));
	render(r->kernel, &r->access, bytes, &r->reply->value, r->reply->text,
	       sizeof(r->reply->text));
	return NULL;
}

/* The write into the log; when the log has no room the write is taken back. */
static struct err *log_write(struct run *r, const uint8_t *old)
{
	struct written w = {.address = r->access.address, .len = r->access.len};
	struct err *err;

	memcpy(w.old, old, r->access.len);
	w.change.time = coord_time(r->cold->coord);
	w.change.forced = r->forced;
	target_format(&r->op->target, w.change.target, sizeof(w.change.target));
	snprintf(w.change.type, sizeof(w.change.type), "%s", r->reply->type);
	copy_text(w.change.old_text, sizeof(w.change.old_text), r->reply->old_text);
	copy_text(w.change.new_text, sizeof(w.change.new_text), r->reply->text);
	err = changes_add(r->cold->changes, &w);
	if (err)
		err_free(write_bytes(r, old));
	return err;
}

static struct err *do_write(struct run *r)
{
	uint8_t old[COLD_BYTES_MAX] = {0}, new[COLD_BYTES_MAX] = {0};
	struct cold_reply *reply = r->reply;

	if (r->access.kind != ACCESS_WHOLE)
		ERR_TRY(read_bytes(r, old));
	ERR_TRY(access_encode(kernel_types(r->kernel), &r->access, r->op->value, old, new));
	render(r->kernel, &r->access, old, &reply->old, reply->old_text, sizeof(reply->old_text));
	render(r->kernel, &r->access, new, &reply->value, reply->text, sizeof(reply->text));
	if (r->op->flags & COLD_DRY_RUN)
		return NULL;
	ERR_TRY(write_bytes(r, new));
	coord_touched(r->cold->coord);
	return log_write(r, old);
}

/* A reply outlives the types of a BPF map: numbers stay numbers, everything else becomes text. */
static void forget_type(struct value *value, const char *text)
{
	if (value->kind == VALUE_OBJECT)
		*value = value_string(text);
	value->type = 0;
}

static struct err *execute_steps(struct run *r)
{
	struct cold_reply *reply = r->reply;

	ERR_TRY(resolve(r));
	ERR_TRY(check_refusal(r));
	ERR_TRY(access_plan(kernel_types(r->kernel), &r->place, &r->op->width, &r->access));
	snprintf(reply->type, sizeof(reply->type), "%s", r->access.name);
	ERR_TRY(r->op->flags & COLD_WRITE ? do_write(r) : do_read(r));
	fill_notes(r);
	if (r->bpf) {
		forget_type(&reply->value, reply->text);
		forget_type(&reply->old, reply->old_text);
	}
	return NULL;
}

/* Resolve, validate, access, reply. The guest is held, unless the operation is hot. */
static struct err *execute(struct cold *cold, struct kernel *k, const struct cold_op *op,
			   uint64_t waited, struct cold_reply *ret)
{
	struct run r = {.cold = cold, .kernel = k, .op = op, .waited = waited, .reply = ret};
	struct err *err;

	*ret = (struct cold_reply){0};
	snprintf(ret->tag, sizeof(ret->tag), "%s", op->tag);
	err = execute_steps(&r);
	bpf_close(r.bpf);
	return err;
}

/* --- the calls --- */

static struct err *run_one(struct cold *cold, const struct cold_op *op, struct cold_reply *ret)
{
	struct kernel *k = NULL;
	uint64_t waited = 0;
	struct err *err;

	ERR_TRY(get_kernel(cold, &k, &waited));
	if (!coord_held(cold->coord))
		kernel_window_begin(k); /* hot: translations of a moment ago may be gone */
	err = execute(cold, k, op, waited, ret);
	if (err) {
		err_free(changes_roll_back(cold->changes, k));
		return err;
	}
	if ((op->flags & COLD_WRITE) && !(op->flags & COLD_DRY_RUN))
		changes_keep(cold->changes, coord_epoch(cold->coord));
	return replies_add(cold->replies, ret);
}

struct err *cold_run(struct cold *cold, const struct cold_op *op, struct cold_reply *ret)
{
	if (op->flags & COLD_HOT)
		return run_one(cold, op, ret);
	ERR_TRY(coord_enter(cold->coord));
	return coord_leave_with(cold->coord, run_one(cold, op, ret));
}

static struct err *run_entries(struct cold *cold, struct kernel *k, const struct cold_op *ops,
			       unsigned int count, uint64_t waited, struct cold_reply *replies)
{
	for (unsigned int i = 0; i < count; i++) {
		struct err *err;

		if (ops[i].flags & COLD_HOT)
			err = err_new(ERR_USAGE,
				      "a batch is one frozen window: no entry can be hot");
		else
			err = execute(cold, k, &ops[i], i == 0 ? waited : 0, &replies[i]);
		if (err)
			return err_wrap(err, "entry %u", i + 1);
	}
	return NULL;
}

static struct err *run_batch(struct cold *cold, const struct cold_op *ops, unsigned int count,
			     struct cold_reply *replies)
{
	struct kernel *k = NULL;
	uint64_t waited = 0;
	struct err *err;

	ERR_TRY(get_kernel(cold, &k, &waited));
	err = run_entries(cold, k, ops, count, waited, replies);
	if (err) {
		struct err *back = changes_roll_back(cold->changes, k);

		if (back)
			err = err_wrap(err,
				       "and what was written before could not all be undone (%s)",
				       err_detail(back));
		err_free(back);
		coord_touched(cold->coord);
		return err;
	}
	changes_keep(cold->changes, coord_epoch(cold->coord));
	for (unsigned int i = 0; i < count; i++)
		ERR_TRY(replies_add(cold->replies, &replies[i]));
	return NULL;
}

struct err *cold_batch(struct cold *cold, const struct cold_op *ops, unsigned int count,
		       struct cold_reply *replies)
{
	ERR_TRY(coord_enter(cold->coord));
	return coord_leave_with(cold->coord, run_batch(cold, ops, count, replies));
}

static struct err *undo(struct cold *cold, unsigned int *ret)
{
	struct kernel *k = NULL;

	ERR_TRY(coord_kernel(cold->coord, &k));
	coord_touched(cold->coord);
	return changes_undo(cold->changes, k, coord_epoch(cold->coord), ret);
}

struct err *cold_undo(struct cold *cold, unsigned int *ret)
{
	ERR_TRY(coord_enter(cold->coord));
	return coord_leave_with(cold->coord, undo(cold, ret));
}

const struct cold_change *cold_changes(const struct cold *cold, unsigned int *ret_count)
{
	return changes_list(cold->changes, ret_count);
}

struct err *cold_add_reply(struct cold *cold, const struct cold_reply *reply)
{
	return replies_add(cold->replies, reply);
}

bool cold_replies_next(struct cold *cold, struct cold_reply *ret)
{
	return replies_next(cold->replies, ret);
}

uint64_t cold_replies_lost(const struct cold *cold)
{
	return replies_lost(cold->replies);
}

bool cold_find_tag(const struct cold *cold, const char *tag, struct cold_reply *ret)
{
	return replies_find(cold->replies, tag, ret);
}
