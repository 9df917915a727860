/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM_CAP_STEAL_TIME: a vCPU shares one host CPU with a thread that spins. What its steal record
 * grew by must lie between what its thread's schedstat says just before and just after.
 */
#include "base/file.h"
#include "vmm/kvm/checks_impl.h"
#include "vmm/kvm/vm.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define WANTED_STEAL UINT64_C(20000000)
#define TIME_LIMIT UINT64_C(10000000000)

struct spinner {
	pthread_t thread;
	bool stop;
};

static void *spin(void *context)
{
	struct spinner *s = context;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED))
		;
	return NULL;
}

/* Nanoseconds that this thread was ready to run and did not. */
static struct err *run_delay(uint64_t *ret)
{
	char *text;
	int fields;

	ERR_TRY(read_whole_file("/proc/thread-self/schedstat", 256, &text, NULL));
	fields = sscanf(text, "%*u %" SCNu64, ret);
	free(text);
	return fields == 1 ? NULL : err_new(ERR_ABSENT, "this kernel keeps no schedstat");
}

/* The record's steal as the guest reads it, between two looks at the host's own figure. */
struct reading {
	uint64_t before, steal, after;
};

static struct err *take_reading(struct kvm_vm *vm, struct reading *r)
{
	ERR_TRY(run_delay(&r->before));
	ERR_TRY(kvm_vm_run(vm));
	r->steal = kvm_vm_word(vm, KVM_VM_RESULT);
	return run_delay(&r->after);
}

static struct err *judge(const struct reading *first, const struct reading *last,
			 char detail[KVM_CHECK_DETAIL])
{
	uint64_t grown = last->steal - first->steal;
	uint64_t least = last->before - first->after, most = last->after - first->before;

	snprintf(detail, KVM_CHECK_DETAIL,
		 "the guest's record grew by %" PRIu64 " us; the host's schedstat by %" PRIu64
		 " to %" PRIu64 " us",
		 grown / 1000, least / 1000, most / 1000);
	return grown < least || grown > most ? err_new(ERR_ENVIRONMENT, "%s", detail) : NULL;
}

/* Both on one CPU; the guest runs until the host has seen WANTED_STEAL of delay. */
static struct err *compete(struct kvm_vm *vm, char detail[KVM_CHECK_DETAIL])
{
	uint64_t deadline = host_now() + TIME_LIMIT;
	struct reading first, last;

	/* Not the first time: whether the record is written before the guest goes on from the MSR
	 * is KVM's own affair. */
	ERR_TRY(take_reading(vm, &first));
	ERR_TRY(take_reading(vm, &first));
	do {
		ERR_TRY(take_reading(vm, &last));
		if (host_now() > deadline)
			return err_new(ERR_ABSENT, "this kernel's schedstat shows no delay");
	} while (last.before - first.after < WANTED_STEAL);
	return judge(&first, &last, detail);
}

static struct err *with_spinner(struct kvm_vm *vm, char detail[KVM_CHECK_DETAIL])
{
	struct spinner spinner = {0};
	cpu_set_t old, one;
	struct err *err;
	int error;

	if (sched_getaffinity(0, sizeof(old), &old))
		return err_os(errno, "sched_getaffinity");
	CPU_ZERO(&one);
	CPU_SET((unsigned int)sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return err_os(errno, "sched_setaffinity");
	error = pthread_create(&spinner.thread, NULL, spin, &spinner);
	if (error) {
		sched_setaffinity(0, sizeof(old), &old);
		return err_os(error, "pthread_create");
	}
	err = compete(vm, detail);
	__atomic_store_n(&spinner.stop, true, __ATOMIC_RELAXED);
	pthread_join(spinner.thread, NULL);
	sched_setaffinity(0, sizeof(old), &old);
	return err;
}

static void write_program(struct kvm_vm *vm)
{
	uint64_t loop;

	kvm_vm_emit_wrmsr(vm, MSR_KVM_STEAL_TIME, KVM_VM_RECORD | KVM_MSR_ENABLED);
	loop = vm->code;
	kvm_vm_emit_copy(vm, KVM_VM_RESULT, KVM_VM_RECORD, 1);
	kvm_vm_emit_exit(vm);
	kvm_vm_emit_jump(vm, loop);
}

struct err *kvm_check_steal(char detail[KVM_CHECK_DETAIL])
{
	struct kvm_vm vm;
	struct err *err = kvm_vm_init(&vm);

	if (!err && kvm_vm_extension(&vm, KVM_CAP_STEAL_TIME) <= 0)
		err = err_new(ERR_ABSENT, "this KVM has no KVM_CAP_STEAL_TIME");
	if (!err) {
		write_program(&vm);
		err = with_spinner(&vm, detail);
	}
	kvm_vm_deinit(&vm);
	return err;
}
