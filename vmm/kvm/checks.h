/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host's KVM can do, found out by doing it, without QEMU: run a guest in long mode, count
 * steal for it, and keep the account of Xen's runstates across a migration.
 *
 * Each check makes virtual machines of its own (vmm/kvm/vm.h) and leaves nothing. Blocks for up to
 * a few seconds each. Not responsible for whether Linux boots: that is vmm/accel.h's trial.
 */
#ifndef VMM_KVM_CHECKS_H
#define VMM_KVM_CHECKS_H

#define KVM_CHECK_DETAIL 320

enum kvm_verdict { KVM_PASS, KVM_FAIL, KVM_NOT_OFFERED };
const char *kvm_verdict_name(enum kvm_verdict verdict); /* "pass", "fail", "not offered" */

struct kvm_check {
	const char *name;
	enum kvm_verdict verdict;
	char detail[KVM_CHECK_DETAIL]; /* figures, or the reason */
};

/* "guest", "steal time" and "runstate migration", in this order. */
#define KVM_CHECKS 3
void kvm_checks_run(struct kvm_check ret[KVM_CHECKS]);

#endif
