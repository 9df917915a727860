/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual machine of our own, by plain ioctls on /dev/kvm: one vCPU in long mode, 2 MiB of memory
 * mapped one to one, and a few instructions written by kvm_vm_emit_*(). For `doctor kvm`, which
 * asks what KVM does where QEMU could only say that it does not work. No devices, no interrupts.
 *
 * Threads: the one that created it. Nothing outlives kvm_vm_deinit().
 */
#ifndef VMM_KVM_VM_H
#define VMM_KVM_VM_H

#include "base/err.h"

#include <linux/kvm.h>
#include <stdint.h>

#define KVM_VM_MEMORY (UINT64_C(2) << 20)
/* Pages that programs may use; code begins at KVM_VM_CODE, page tables lie below. */
#define KVM_VM_CODE UINT64_C(0x8000)
#define KVM_VM_RESULT UINT64_C(0x9000)
#define KVM_VM_RECORD UINT64_C(0xa000)
#define KVM_VM_SHARED_INFO UINT64_C(0xb000)

struct kvm_vm {
	int kvm, fd, vcpu;
	uint8_t *memory; /* of the guest, from its address 0 */
	struct kvm_run *run;
	uint32_t run_size;
	uint64_t code; /* where the next instruction goes */
};

/* ERR_ABSENT: /dev/kvm is not there, not ours, or of another interface; else what failed. */
struct err *kvm_vm_init(struct kvm_vm *vm) __attribute__((warn_unused_result));
void kvm_vm_deinit(struct kvm_vm *vm); /* half-made ones too */

/* KVM_CHECK_EXTENSION of the machine; 0: not offered. */
int kvm_vm_extension(const struct kvm_vm *vm, int capability);
/* An ioctl on `fd`; ERR_OS names it. */
struct err *kvm_vm_ioctl(int fd, unsigned long request, void *argument, const char *name)
	__attribute__((warn_unused_result));

/* Instructions, in the order of the calls. */
void kvm_vm_emit_store(struct kvm_vm *vm, uint64_t to, uint64_t value);
void kvm_vm_emit_wrmsr(struct kvm_vm *vm, uint32_t msr, uint64_t value);
void kvm_vm_emit_copy(struct kvm_vm *vm, uint64_t to, uint64_t from, unsigned int words);
/* Comes back from kvm_vm_run(). */
void kvm_vm_emit_exit(struct kvm_vm *vm);
void kvm_vm_emit_jump(struct kvm_vm *vm, uint64_t to); /* at most 120 bytes back */

/* Run to the next kvm_vm_emit_exit(). Any other end is ERR_ENVIRONMENT, as is a guest that did not
 * get there within 5 s. */
struct err *kvm_vm_run(struct kvm_vm *vm) __attribute__((warn_unused_result));

/* A word of the guest's memory. */
uint64_t kvm_vm_word(const struct kvm_vm *vm, uint64_t address);

#endif
