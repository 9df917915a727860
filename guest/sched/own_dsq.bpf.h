/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatch queues made of BPF, for kernels on which scx_bpf_create_dsq() cannot be called: those whose
 * BTF was made by a pahole before 1.31 from sources of 7.1 or later. The kernel's function takes a
 * hidden argument there that the BTF still shows, and the verifier refuses every call. load.c picks
 * the object built with this in that case. A scheduler need not know: the functions here have the
 * kernel's names and meaning, for the ids from 0 to the number of CPUs + 1.
 *
 * A queue is a heap ordered by virtual time or by arrival. Tasks that may not run everywhere lie apart
 * in heaps of their CPU, two a CPU, for queues with even and with odd ids: what a CPU takes from a
 * queue's own heap it can always run. An entry is a number of a process and thus only a hint: a task
 * that left the queue in another way leaves it behind, and the kernel ignores the attempt to dispatch
 * a task that is not queued.
 */
#ifndef GUEST_SCHED_OWN_DSQ_BPF_H
#define GUEST_SCHED_OWN_DSQ_BPF_H

#define BPF_MAP_TYPE_ARRAY 2 /* linux/bpf.h */
struct bpf_spin_lock {
	u32 val;
};

#define HEAP_LEVELS 10
#define HEAP_SIZE (1u << HEAP_LEVELS)
#define HEAP_AT(heap, i) ((heap)->entries[(i) & (HEAP_SIZE - 1)]) /* the verifier wants the mask */
#define OWN_TRIES 32 /* entries that turn out to be no longer true, before the CPU looks again later */

struct own_entry {
	u64 vtime;
	s32 pid;
};

/* `hole` is where a moving entry will go, `child` the smaller one below it. In memory, because the
 * verifier would follow each of their possible values in a register, and volatile so that they stay there. */
struct own_heap {
	struct bpf_spin_lock lock;
	u32 count;
	volatile u32 hole;
	volatile u32 child;
	struct own_entry entries[HEAP_SIZE];
};

/* One for each queue, then two for each CPU: load.c sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct own_heap);
} own_heaps SEC(".maps");

/* The arrivals so far; the order of a queue without virtual times. */
u64 own_arrivals;

static __always_inline bool own_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static __always_inline struct own_heap *own_heap(u32 i)
{
	return bpf_map_lookup_elem(&own_heaps, &i);
}

/* False when the heap is full. Not static: a global function is verified once, not at each call. */
__attribute__((noinline)) bool own_push(u32 number, u64 vtime, s32 pid)
{
	struct own_heap *heap = own_heap(number);
	u32 parent;

	if (!heap)
		return 0;
	bpf_spin_lock(&heap->lock);
	if (heap->count >= HEAP_SIZE) {
		bpf_spin_unlock(&heap->lock);
		return 0;
	}
	heap->hole = heap->count++;
	for (u32 level = 0; level < HEAP_LEVELS && heap->hole; level++) {
		parent = (heap->hole - 1) / 2;
		if (!own_before(vtime, HEAP_AT(heap, parent).vtime))
			break;
		HEAP_AT(heap, heap->hole) = HEAP_AT(heap, parent);
		heap->hole = parent;
	}
	HEAP_AT(heap, heap->hole).vtime = vtime;
	HEAP_AT(heap, heap->hole).pid = pid;
	bpf_spin_unlock(&heap->lock);
	return 1;
}

/* Takes out the first; 0 when the heap is empty. */
__attribute__((noinline)) s32 own_pop(u32 number)
{
	struct own_heap *heap = own_heap(number);
	u64 vtime;
	s32 pid, last;

	if (!heap)
		return 0;
	bpf_spin_lock(&heap->lock);
	if (!heap->count) {
		bpf_spin_unlock(&heap->lock);
		return 0;
	}
	pid = heap->entries[0].pid;
	heap->count--;
	vtime = HEAP_AT(heap, heap->count).vtime;
	last = HEAP_AT(heap, heap->count).pid;
	heap->hole = 0;
	for (u32 level = 0; level < HEAP_LEVELS; level++) {
		heap->child = 2 * heap->hole + 1;
		if (heap->child >= heap->count)
			break;
		if (heap->child + 1 < heap->count &&
		    own_before(HEAP_AT(heap, heap->child + 1).vtime, HEAP_AT(heap, heap->child).vtime))
			heap->child++;
		if (!own_before(HEAP_AT(heap, heap->child).vtime, vtime))
			break;
		HEAP_AT(heap, heap->hole) = HEAP_AT(heap, heap->child);
		heap->hole = heap->child;
	}
	HEAP_AT(heap, heap->hole).vtime = vtime;
	HEAP_AT(heap, heap->hole).pid = last;
	bpf_spin_unlock(&heap->lock);
	return pid;
}

static __always_inline u32 own_queues(void)
{
	return scx_bpf_nr_cpu_ids() + 2;
}

static __always_inline u32 own_pinned(u64 dsq_id, u32 cpu)
{
	return own_queues() + 2 * cpu + (dsq_id & 1);
}

static __always_inline s32 scx_bpf_create_dsq(u64 dsq_id, s32 node)
{
	return dsq_id < own_queues() ? 0 : -22; /* EINVAL */
}

static __always_inline void own_insert_at(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
					  u64 enq_flags)
{
	bool anywhere = (u32)p->nr_cpus_allowed >= scx_bpf_nr_cpu_ids();
	u32 number = anywhere ? (u32)dsq_id : own_pinned(dsq_id, (u32)scx_bpf_task_cpu(p));

	p->scx.slice = slice;
	if (!own_push(number, vtime, p->pid))
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, slice, enq_flags);
}

static __always_inline void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice,
						     u64 vtime, u64 enq_flags)
{
	p->scx.dsq_vtime = vtime;
	own_insert_at(p, dsq_id, slice, vtime, enq_flags);
}

static __always_inline void own_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags)
{
	if (dsq_id >> 63)
		scx_bpf_dsq_insert(p, dsq_id, slice, enq_flags);
	else
		own_insert_at(p, dsq_id, slice, __sync_fetch_and_add(&own_arrivals, 1), enq_flags);
}

/* To the local queue if it is still true that this CPU may run it. */
static __always_inline bool own_dispatch(s32 pid, u32 cpu)
{
	struct task_struct *p = bpf_task_from_pid(pid);
	bool fits;

	if (!p)
		return 0;
	fits = bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
	if (fits)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, 0, 0); /* 0: as it is */
	bpf_task_release(p);
	return fits;
}

__attribute__((noinline)) bool own_move(u32 queue, u32 pinned, u32 cpu)
{
	struct own_heap *all = own_heap(queue), *mine = own_heap(pinned);

	if (!all || !mine)
		return 0;
	for (u32 i = 0; i < OWN_TRIES && (all->count || mine->count); i++) {
		bool first = mine->count && (!all->count || own_before(mine->entries[0].vtime,
								       all->entries[0].vtime));

		if (own_dispatch(own_pop(first ? pinned : queue), cpu))
			return 1;
	}
	return 0;
}

static __always_inline bool scx_bpf_dsq_move_to_local(u64 dsq_id)
{
	u32 cpu = bpf_get_smp_processor_id();

	return own_move((u32)dsq_id, own_pinned(dsq_id, cpu), cpu);
}

/*
 * On some of these kernels scx_bpf_kick_cpu() cannot be called either. A kick makes a CPU look at once
 * that else looks at the end of its task's turn: a scheduler must not need it.
 */
static __always_inline void scx_bpf_kick_cpu(s32 cpu, u64 flags)
{
}

#define scx_bpf_dsq_insert own_insert

#endif
