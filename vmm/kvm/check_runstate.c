/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen's runstate account across a migration. One machine runs and is saved: its clock, its TSC's
 * offset, its runstate, which is marked runnable as of that moment. It is destroyed; after a gap a
 * new one takes all three over and runs. The time in between must then stand as runnable in the
 * record that the guest reads, and the time it had been running must be carried over.
 *
 * The clock goes on over the gap: KVM adds the real time that passed when both ends give it
 * (KVM_CLOCK_REALTIME, Linux 5.16); where it cannot (a host whose clock is no TSC), we add it. The
 * per-vCPU KVM_GET_CLOCK_GUEST, proposed to do the same without loss, is in no Linux up to 7.2.
 */
#include "base/file.h"
#include "vmm/kvm/checks_impl.h"
#include "vmm/kvm/vm.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define GAP (10 * MS)
#define GAP_MOST (5000 * MS)
#define WORK (20 * MS)
#define HYPERCALL_MSR 0x40000000

/* xen/include/public/vcpu.h: what lies at the registered address. */
enum { RUNSTATE_RUNNING, RUNSTATE_RUNNABLE, RUNSTATE_BLOCKED, RUNSTATE_OFFLINE, RUNSTATES };
struct runstate_record {
	uint32_t state, pad;
	uint64_t entry_time, time[RUNSTATES];
};

struct saved {
	struct kvm_clock_data clock;
	bool realtime; /* the clock came with the real time */
	uint64_t tsc_offset;
	bool has_tsc_offset;
	struct kvm_xen_vcpu_attr runstate;
	uint64_t when; /* host_now() */
};

static struct err *need_capabilities(const struct kvm_vm *vm)
{
	int xen = kvm_vm_extension(vm, KVM_CAP_XEN_HVM);

	if (!xen)
		return err_new(ERR_ABSENT, "this KVM has no KVM_CAP_XEN_HVM");
	if (!(xen & KVM_XEN_HVM_CONFIG_SHARED_INFO) || !(xen & KVM_XEN_HVM_CONFIG_RUNSTATE))
		return err_new(ERR_ABSENT,
			       "KVM_CAP_XEN_HVM is 0x%x, without shared info or runstates", xen);
	if (!kvm_vm_extension(vm, KVM_CAP_ADJUST_CLOCK))
		return err_new(ERR_ABSENT, "this KVM has no KVM_CAP_ADJUST_CLOCK");
	return NULL;
}

static struct err *set_vcpu_attr(struct kvm_vm *vm, struct kvm_xen_vcpu_attr *attr)
{
	return kvm_vm_ioctl(vm->vcpu, KVM_XEN_VCPU_SET_ATTR, attr, "KVM_XEN_VCPU_SET_ATTR");
}

/* A machine as Xen's guests know it: hypercalls, 64 bits, a shared page, a runstate record. */
static struct err *become_xen(struct kvm_vm *vm)
{
	struct kvm_xen_hvm_config config = {.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
					    .msr = HYPERCALL_MSR};
	struct kvm_xen_hvm_attr mode = {.type = KVM_XEN_ATTR_TYPE_LONG_MODE, .u.long_mode = 1};
	struct kvm_xen_hvm_attr shared = {.type = KVM_XEN_ATTR_TYPE_SHARED_INFO,
					  .u.shared_info.gfn = KVM_VM_SHARED_INFO / 4096};
	struct kvm_xen_vcpu_attr info = {.type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO,
					 .u.gpa = KVM_VM_SHARED_INFO};
	struct kvm_xen_vcpu_attr runstate = {.type = KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR,
					     .u.gpa = KVM_VM_RECORD};

	ERR_TRY(need_capabilities(vm));
	ERR_TRY(kvm_vm_ioctl(vm->fd, KVM_XEN_HVM_CONFIG, &config, "KVM_XEN_HVM_CONFIG"));
	ERR_TRY(kvm_vm_ioctl(vm->fd, KVM_XEN_HVM_SET_ATTR, &mode, "KVM_XEN_HVM_SET_ATTR"));
	ERR_TRY(kvm_vm_ioctl(vm->fd, KVM_XEN_HVM_SET_ATTR, &shared, "KVM_XEN_HVM_SET_ATTR"));
	ERR_TRY(set_vcpu_attr(vm, &info));
	return set_vcpu_attr(vm, &runstate);
}

/* The guest copies its record for us, again and again. */
static void write_program(struct kvm_vm *vm)
{
	uint64_t loop = vm->code;

	kvm_vm_emit_copy(vm, KVM_VM_RESULT, KVM_VM_RECORD, sizeof(struct runstate_record) / 8);
	kvm_vm_emit_exit(vm);
	kvm_vm_emit_jump(vm, loop);
}

static struct err *read_record(struct kvm_vm *vm, struct runstate_record *ret)
{
	ERR_TRY(kvm_vm_run(vm));
	memcpy(ret, vm->memory + KVM_VM_RESULT, sizeof(*ret));
	return NULL;
}

/* Until the guest has been running for a while by its own account. */
static struct err *work(struct kvm_vm *vm)
{
	uint64_t deadline = host_now() + GAP_MOST;
	struct runstate_record record;

	do {
		ERR_TRY(read_record(vm, &record));
		if (host_now() > deadline)
			return err_new(ERR_ENVIRONMENT,
				       "the record shows %" PRIu64 " us of running after %" PRIu64
				       " ms of it",
				       record.time[RUNSTATE_RUNNING] / 1000, GAP_MOST / MS);
	} while (record.time[RUNSTATE_RUNNING] < WORK);
	return NULL;
}

static struct kvm_device_attr tsc_offset_attr(uint64_t *value)
{
	return (struct kvm_device_attr){
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)value};
}

static struct err *save(struct kvm_vm *vm, struct saved *s)
{
	struct kvm_device_attr offset = tsc_offset_attr(&s->tsc_offset);
	__u64 *running = &s->runstate.u.runstate.time_running;
	__u64 *entry = &s->runstate.u.runstate.state_entry_time;

	*s = (struct saved){.runstate.type = KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA};
	s->has_tsc_offset = ioctl(vm->vcpu, KVM_HAS_DEVICE_ATTR, &offset) == 0;
	if (s->has_tsc_offset)
		ERR_TRY(kvm_vm_ioctl(vm->vcpu, KVM_GET_DEVICE_ATTR, &offset, "the TSC's offset"));
	ERR_TRY(kvm_vm_ioctl(vm->vcpu, KVM_XEN_VCPU_GET_ATTR, &s->runstate,
			     "KVM_XEN_VCPU_GET_ATTR"));
	ERR_TRY(kvm_vm_ioctl(vm->fd, KVM_GET_CLOCK, &s->clock, "KVM_GET_CLOCK"));
	s->when = host_now();
	s->realtime = s->clock.flags & KVM_CLOCK_REALTIME;
	if (s->clock.clock < *entry)
		return err_new(ERR_ENVIRONMENT,
			       "the runstate was entered at %" PRIu64
			       " ns, after the clock's %" PRIu64,
			       (uint64_t)*entry, (uint64_t)s->clock.clock);
	/* What it was doing so far it did until now; from now on it waits. */
	if (s->runstate.u.runstate.state == RUNSTATE_RUNNING) {
		*running += s->clock.clock - *entry;
		*entry = s->clock.clock;
	}
	s->runstate.u.runstate.state = RUNSTATE_RUNNABLE;
	return NULL;
}

static struct err *restore(struct kvm_vm *vm, const struct saved *s)
{
	struct kvm_clock_data clock = {.clock = s->clock.clock};
	struct kvm_xen_vcpu_attr runstate = s->runstate;
	uint64_t value = s->tsc_offset;
	struct kvm_device_attr offset = tsc_offset_attr(&value);

	if (s->realtime) {
		clock.flags = KVM_CLOCK_REALTIME;
		clock.realtime = s->clock.realtime;
	} else {
		clock.clock += host_now() - s->when;
	}
	if (s->has_tsc_offset)
		ERR_TRY(kvm_vm_ioctl(vm->vcpu, KVM_SET_DEVICE_ATTR, &offset, "the TSC's offset"));
	ERR_TRY(kvm_vm_ioctl(vm->fd, KVM_SET_CLOCK, &clock, "KVM_SET_CLOCK"));
	return set_vcpu_attr(vm, &runstate);
}

static struct err *first_half(struct kvm_vm *vm, struct saved *s)
{
	ERR_TRY(become_xen(vm));
	write_program(vm);
	ERR_TRY(work(vm));
	return save(vm, s);
}

static struct err *second_half(struct kvm_vm *vm, const struct saved *s,
			       struct runstate_record *ret)
{
	ERR_TRY(become_xen(vm));
	write_program(vm);
	ERR_TRY(restore(vm, s));
	return read_record(vm, ret);
}

/* One machine, from its making to its end. */
static struct err *save_one(struct saved *s)
{
	struct kvm_vm vm;
	struct err *err = kvm_vm_init(&vm);

	if (!err)
		err = first_half(&vm, s);
	kvm_vm_deinit(&vm);
	return err;
}

static struct err *restore_one(const struct saved *s, struct runstate_record *ret)
{
	struct kvm_vm vm;
	struct err *err = kvm_vm_init(&vm);

	if (!err)
		err = second_half(&vm, s, ret);
	kvm_vm_deinit(&vm);
	return err;
}

static struct err *judge(const struct saved *s, const struct runstate_record *record,
			 char detail[KVM_CHECK_DETAIL])
{
	uint64_t runnable = record->time[RUNSTATE_RUNNABLE] - s->runstate.u.runstate.time_runnable;
	uint64_t before = s->runstate.u.runstate.time_running;
	uint64_t running = record->time[RUNSTATE_RUNNING];

	snprintf(detail, KVM_CHECK_DETAIL,
		 "time_runnable grew by %" PRIu64 " us over a gap of at least %" PRIu64
		 " us, time_running went from %" PRIu64 " to %" PRIu64
		 " us; clock %s, TSC offset %s",
		 runnable / 1000, GAP / 1000, before / 1000, running / 1000,
		 s->realtime ? "with real time" : "and gap by hand",
		 s->has_tsc_offset ? "kept" : "not offered");
	if (runnable < GAP || runnable >= GAP_MOST || running < before ||
	    running - before >= GAP_MOST)
		return err_new(ERR_ENVIRONMENT, "%s", detail);
	return NULL;
}

struct err *kvm_check_runstate(char detail[KVM_CHECK_DETAIL])
{
	struct timespec gap = {.tv_nsec = GAP};
	struct runstate_record record;
	struct saved saved;

	ERR_TRY(err_wrap(save_one(&saved), "the first machine"));
	while (nanosleep(&gap, &gap))
		;
	ERR_TRY(err_wrap(restore_one(&saved, &record), "the second machine"));
	return judge(&saved, &record, detail);
}
