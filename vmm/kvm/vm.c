/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/kvm/vm.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PML4 0x1000
#define PDPT 0x2000
#define PAGE_DIRECTORY 0x3000
#define PRESENT_WRITABLE 0x3
#define PRESENT_WRITABLE_LARGE 0x83

#define CPUID_ENTRIES 256
#define EXIT_PORT 0x10
#define RUN_TICK 100000000L /* ns */
#define RUN_TICKS 50

struct err *kvm_vm_ioctl(int fd, unsigned long request, void *argument, const char *name)
{
	return ioctl(fd, request, argument) < 0 ? err_os(errno, "%s", name) : NULL;
}

int kvm_vm_extension(const struct kvm_vm *vm, int capability)
{
	int value = ioctl(vm->fd, KVM_CHECK_EXTENSION, capability);

	return value < 0 ? 0 : value;
}

static struct err *open_kvm(struct kvm_vm *vm)
{
	int version;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return err_new(ERR_ABSENT, "/dev/kvm: %s", strerror(errno));
	version = ioctl(vm->kvm, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return err_new(ERR_ABSENT, "/dev/kvm has interface version %d instead of %d",
			       version, KVM_API_VERSION);
	return NULL;
}

static struct err *add_memory(struct kvm_vm *vm)
{
	struct kvm_userspace_memory_region region = {.memory_size = KVM_VM_MEMORY};

	vm->memory = mmap(NULL, KVM_VM_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	if (vm->memory == MAP_FAILED) {
		vm->memory = NULL;
		return err_os(errno, "memory of a virtual machine");
	}
	region.userspace_addr = (uintptr_t)vm->memory;
	return kvm_vm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region,
			    "KVM_SET_USER_MEMORY_REGION");
}

static struct err *add_vcpu(struct kvm_vm *vm)
{
	int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu < 0)
		return err_os(errno, "KVM_CREATE_VCPU");
	if (size < (int)sizeof(*vm->run))
		return err_new(ERR_BAD_DATA, "KVM_GET_VCPU_MMAP_SIZE says %d", size);
	vm->run_size = (uint32_t)size;
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED) {
		vm->run = NULL;
		return err_os(errno, "the vCPU's page");
	}
	return NULL;
}

/* All that KVM can give: without it the vCPU has no long mode to enter. */
static struct err *set_cpuid(struct kvm_vm *vm)
{
	struct kvm_cpuid2 *all =
		calloc(1, sizeof(*all) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));
	struct err *err;

	if (!all)
		return err_nomem();
	all->nent = CPUID_ENTRIES;
	err = kvm_vm_ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, all, "KVM_GET_SUPPORTED_CPUID");
	if (!err)
		err = kvm_vm_ioctl(vm->vcpu, KVM_SET_CPUID2, all, "KVM_SET_CPUID2");
	free(all);
	return err;
}

static void put_word(struct kvm_vm *vm, uint64_t address, uint64_t value)
{
	memcpy(vm->memory + address, &value, sizeof(value));
}

uint64_t kvm_vm_word(const struct kvm_vm *vm, uint64_t address)
{
	uint64_t value;

	memcpy(&value, vm->memory + address, sizeof(value));
	return value;
}

/* Protected mode, PAE, long mode: registers as a loader leaves them, all memory in one large page.
 */
static struct err *enter_long_mode(struct kvm_vm *vm)
{
	struct kvm_segment code = {
		.limit = ~0U, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
	struct kvm_segment data = {
		.limit = ~0U, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
	struct kvm_regs regs = {.rip = KVM_VM_CODE, .rflags = 2};
	struct kvm_sregs sregs;

	put_word(vm, PML4, PDPT | PRESENT_WRITABLE);
	put_word(vm, PDPT, PAGE_DIRECTORY | PRESENT_WRITABLE);
	put_word(vm, PAGE_DIRECTORY, PRESENT_WRITABLE_LARGE);
	ERR_TRY(kvm_vm_ioctl(vm->vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS"));
	sregs.cr0 = 0x80000031; /* PG, NE, ET, PE */
	sregs.cr3 = PML4;
	sregs.cr4 = 0x20;   /* PAE */
	sregs.efer = 0x500; /* LMA, LME */
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	ERR_TRY(kvm_vm_ioctl(vm->vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS"));
	return kvm_vm_ioctl(vm->vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

struct err *kvm_vm_init(struct kvm_vm *vm)
{
	*vm = (struct kvm_vm){.kvm = -1, .fd = -1, .vcpu = -1, .code = KVM_VM_CODE};
	ERR_TRY(open_kvm(vm));
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return err_os(errno, "KVM_CREATE_VM");
	ERR_TRY(add_memory(vm));
	ERR_TRY(add_vcpu(vm));
	ERR_TRY(set_cpuid(vm));
	return enter_long_mode(vm);
}

void kvm_vm_deinit(struct kvm_vm *vm)
{
	if (vm->run)
		munmap(vm->run, vm->run_size);
	close_fd(&vm->vcpu);
	close_fd(&vm->fd);
	close_fd(&vm->kvm);
	if (vm->memory)
		munmap(vm->memory, KVM_VM_MEMORY);
	vm->run = NULL;
	vm->memory = NULL;
}

/* ---- instructions ---- */

static void emit(struct kvm_vm *vm, const void *bytes, size_t len)
{
	memcpy(vm->memory + vm->code, bytes, len);
	vm->code += len;
}

#define EMIT(vm, ...)                                                                              \
	emit(vm, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* mov rax, [from] and mov [to], rax with addresses of 64 bits, which only long mode has. */
static void emit_load(struct kvm_vm *vm, uint64_t from)
{
	EMIT(vm, 0x48, 0xa1);
	emit(vm, &from, sizeof(from));
}

static void emit_save(struct kvm_vm *vm, uint64_t to)
{
	EMIT(vm, 0x48, 0xa3);
	emit(vm, &to, sizeof(to));
}

void kvm_vm_emit_store(struct kvm_vm *vm, uint64_t to, uint64_t value)
{
	EMIT(vm, 0x48, 0xb8); /* mov rax, value */
	emit(vm, &value, sizeof(value));
	emit_save(vm, to);
}

void kvm_vm_emit_wrmsr(struct kvm_vm *vm, uint32_t msr, uint64_t value)
{
	uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);

	EMIT(vm, 0xb9); /* mov ecx, msr */
	emit(vm, &msr, sizeof(msr));
	EMIT(vm, 0xb8); /* mov eax, low */
	emit(vm, &low, sizeof(low));
	EMIT(vm, 0xba); /* mov edx, high */
	emit(vm, &high, sizeof(high));
	EMIT(vm, 0x0f, 0x30); /* wrmsr */
}

void kvm_vm_emit_copy(struct kvm_vm *vm, uint64_t to, uint64_t from, unsigned int words)
{
	for (unsigned int i = 0; i < words; i++) {
		emit_load(vm, from + i * 8);
		emit_save(vm, to + i * 8);
	}
}

void kvm_vm_emit_exit(struct kvm_vm *vm)
{
	EMIT(vm, 0xe6, EXIT_PORT); /* out EXIT_PORT, al */
}

void kvm_vm_emit_jump(struct kvm_vm *vm, uint64_t to)
{
	int32_t distance = (int32_t)(to - (vm->code + 5));

	EMIT(vm, 0xe9); /* jmp */
	emit(vm, &distance, sizeof(distance));
}

/* ---- running ---- */

static void on_tick(int signal)
{
	(void)signal;
}

/* A timer that interrupts KVM_RUN again and again: one that never returns must not hang us. */
struct ticker {
	timer_t timer;
	struct sigaction old;
};

static struct err *ticker_start(struct ticker *t)
{
	struct sigaction action = {.sa_handler = on_tick};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
	struct itimerspec times = {{0, RUN_TICK}, {0, RUN_TICK}};

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	sigaction(SIGRTMIN, &action, &t->old);
	if (timer_create(CLOCK_MONOTONIC, &event, &t->timer)) {
		sigaction(SIGRTMIN, &t->old, NULL);
		return err_os(errno, "timer_create");
	}
	timer_settime(t->timer, 0, &times, NULL);
	return NULL;
}

static void ticker_stop(struct ticker *t)
{
	timer_delete(t->timer);
	sigaction(SIGRTMIN, &t->old, NULL);
}

static struct err *describe_exit(const struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_FAIL_ENTRY:
		return err_new(ERR_ENVIRONMENT,
			       "the guest cannot be entered (hardware reason 0x%llx)",
			       (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
	case KVM_EXIT_INTERNAL_ERROR:
		return err_new(ERR_ENVIRONMENT, "KVM failed inside (suberror %u)",
			       run->internal.suberror);
	case KVM_EXIT_SHUTDOWN:
		return err_new(ERR_ENVIRONMENT, "the guest ended in a triple fault");
	default:
		return err_new(ERR_ENVIRONMENT, "the guest came out with reason %u",
			       run->exit_reason);
	}
}

static struct err *run_to_exit(struct kvm_vm *vm)
{
	for (unsigned int i = 0; i < RUN_TICKS; i++) {
		if (ioctl(vm->vcpu, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return err_os(errno, "KVM_RUN");
		}
		if (vm->run->exit_reason == KVM_EXIT_IO && vm->run->io.port == EXIT_PORT)
			return NULL;
		return describe_exit(vm->run);
	}
	return err_new(ERR_ENVIRONMENT, "the guest did not finish some instructions in %ld s",
		       RUN_TICKS * RUN_TICK / 1000000000);
}

struct err *kvm_vm_run(struct kvm_vm *vm)
{
	struct ticker ticker;
	struct err *err;

	ERR_TRY(ticker_start(&ticker));
	err = run_to_exit(vm);
	ticker_stop(&ticker);
	return err;
}
