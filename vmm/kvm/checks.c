/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/kvm/checks.h"
#include "vmm/kvm/checks_impl.h"
#include "vmm/kvm/vm.h"

#include <stdio.h>

static const uint64_t pattern = UINT64_C(0x6b74646267206b76);

const char *kvm_verdict_name(enum kvm_verdict verdict)
{
	static const char *const names[] = {"pass", "fail", "not offered"};

	return names[verdict];
}

static struct err *run_guest(struct kvm_vm *vm, char detail[KVM_CHECK_DETAIL])
{
	uint64_t got;

	kvm_vm_emit_store(vm, KVM_VM_RECORD, pattern);
	kvm_vm_emit_copy(vm, KVM_VM_RESULT, KVM_VM_RECORD, 1);
	kvm_vm_emit_exit(vm);
	ERR_TRY(kvm_vm_run(vm));
	got = kvm_vm_word(vm, KVM_VM_RESULT);
	if (got != pattern)
		return err_new(ERR_ENVIRONMENT, "the guest wrote 0x%llx instead of 0x%llx",
			       (unsigned long long)got, (unsigned long long)pattern);
	snprintf(detail, KVM_CHECK_DETAIL, "a few instructions in long mode");
	return NULL;
}

static struct err *check_guest(char detail[KVM_CHECK_DETAIL])
{
	struct kvm_vm vm;
	struct err *err = kvm_vm_init(&vm);

	if (!err)
		err = run_guest(&vm, detail);
	kvm_vm_deinit(&vm);
	return err;
}

static const struct {
	const char *name;
	struct err *(*run)(char detail[KVM_CHECK_DETAIL]);
} checks[KVM_CHECKS] = {
	{"guest", check_guest},
	{"steal time", kvm_check_steal},
	{"runstate migration", kvm_check_runstate},
};

void kvm_checks_run(struct kvm_check ret[KVM_CHECKS])
{
	for (unsigned int i = 0; i < KVM_CHECKS; i++) {
		struct err *err;

		ret[i] = (struct kvm_check){.name = checks[i].name};
		err = checks[i].run(ret[i].detail);
		if (!err)
			continue;
		ret[i].verdict = err_kind(err) == ERR_ABSENT ? KVM_NOT_OFFERED : KVM_FAIL;
		snprintf(ret[i].detail, KVM_CHECK_DETAIL, "%s", err_detail(err));
		err_free(err);
	}
}
