/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/accel.h"
#include "base/interrupt.h"
#include "base/str.h"
#include "vmm/machine_impl.h"
#include "vmm/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
/* What does not work at all says so at once; a nested KVM needs long for the first line, and whoever
 * asked for it gets the time. */
#define TRIAL_TIME (10000 * MS)
#define TRIAL_TIME_ASKED (120000 * MS)
#define QMP_TIMEOUT (1000 * MS)
#define POLL_SLICE_US 10000
#define REASON_MAX 160

/* The first line of a kernel that has decompressed itself and runs. */
static const char progress_word[] = "Linux version";

static bool cpu_virtualises(void)
{
	char *text = NULL, *flags, *end;
	size_t len;
	bool ret = true; /* when it cannot be told, the trial tells */

	err_free(read_whole_file("/proc/cpuinfo", 1 << 24, &text, &len));
	flags = text ? strstr(text, "\nflags") : NULL;
	if (flags) {
		end = strchr(flags + 1, '\n');
		if (end)
			*end = '\0';
		ret = strstr(flags, " vmx") || strstr(flags, " svm");
	}
	free(text);
	return ret;
}

/* What can be seen without a trial; false with the reason. */
static bool kvm_present(char reason[REASON_MAX])
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), version;

	if (fd < 0) {
		snprintf(reason, REASON_MAX, "/dev/kvm: %s", strerror(errno));
		return false;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	if (version != KVM_API_VERSION) {
		snprintf(reason, REASON_MAX, "/dev/kvm has interface version %d", version);
		return false;
	}
	if (!cpu_virtualises()) {
		snprintf(reason, REASON_MAX, "/dev/kvm opens, but the CPU has neither vmx nor svm");
		return false;
	}
	return true;
}

static bool kernel_speaks(struct machine *m)
{
	char buffer[8192];
	size_t n = console_read(&m->serial, 0, buffer, sizeof(buffer));

	return memmem(buffer, n, progress_word, strlen(progress_word));
}

/* What QEMU has to say about a guest that does not run, for the reason; "" while it runs. */
static void stopped_status(struct machine *m, char status[32])
{
	struct json_object *info = NULL;
	const char *text;

	status[0] = '\0';
	err_free(qmp_execute(&m->qemu.qmp, "query-status", NULL, -1, QMP_TIMEOUT, &info));
	text = qmp_string(info, "status");
	if (text && strcmp(text, "running"))
		snprintf(status, 32, "%.31s", text);
	json_object_put(info);
}

/* NULL: it makes progress. ERR_INTERRUPTED is the operator's; any other error is the reason. */
static struct err *watch_trial(struct machine *m, uint64_t limit)
{
	uint64_t deadline = host_now() + limit;
	char status[32], *complaint;
	struct err *err;

	for (;;) {
		if (kernel_speaks(m))
			return NULL;
		if (interrupted())
			return err_new(ERR_INTERRUPTED, "interrupted");
		if (!qemu_alive(&m->qemu)) {
			complaint = qemu_complaint(&m->qemu);
			err = err_new(ERR_ENVIRONMENT, "%s%s%s", qemu_death(&m->qemu),
				      complaint && *complaint ? ": " : "",
				      complaint ? complaint : "");
			free(complaint);
			return err;
		}
		stopped_status(m, status);
		if (status[0])
			return err_new(ERR_ENVIRONMENT, "the guest stopped in state %s", status);
		if (host_now() > deadline)
			return err_new(ERR_ENVIRONMENT, "the kernel printed nothing for %llu ms",
				       (unsigned long long)(limit / MS));
		usleep(POLL_SLICE_US);
	}
}

/* Boot the kernel without a root until its first line. */
static struct err *trial(const char *program, const char *kernel, uint64_t limit)
{
	struct machine m = {
		.info = {.accel = ACCEL_KVM,
			 .clock = CLOCK_REAL,
			 .topology = {1, 1, 1, 1},
			 .memory = UINT64_C(256) << 20},
		.program = (char *)program,
		.kernel = (char *)kernel,
		.append = (char *)"earlyprintk=serial,ttyS0,115200 console=ttyS0 panic=0",
		.initrd_fd = -1,
		.serial.fd = -1,
		.debug.fd = -1,
		.poll_fd = -1,
	};
	struct err *err = machine_spawn(&m, false);

	if (!err)
		err = machine_talk(&m);
	if (!err)
		err = qmp_execute(&m.qemu.qmp, "cont", NULL, -1, QMP_TIMEOUT, NULL);
	if (!err)
		err = watch_trial(&m, limit);
	machine_stop_qemu(&m);
	return err;
}

/* What the verdict of a trial depends on; NULL: do not remember it. */
static char *verdict_key(const char *program, const char *kernel, uint64_t limit)
{
	char *boot_id = NULL, *qemu = note_file_key(program), *image = note_file_key(kernel),
	     *key = NULL;
	size_t len;

	err_free(read_whole_file("/proc/sys/kernel/random/boot_id", 64, &boot_id, &len));
	if (boot_id && qemu && image)
		key = str_format("%s%s\n%s\n%llu", boot_id, qemu, image,
				 (unsigned long long)limit);
	free(boot_id);
	free(qemu);
	free(image);
	return key;
}

/* A trial, or the verdict of an earlier one. *ret_reason is "" when KVM works. Owned by the caller.
 */
static struct err *verdict(const char *program, const char *kernel, uint64_t limit,
			   char **ret_reason)
{
	char *key = verdict_key(program, kernel, limit), *reason = key ? note_get("kvm", key) : NULL;
	struct err *err;

	if (!reason) {
		err = trial(program, kernel, limit);
		if (err && err_kind(err) == ERR_INTERRUPTED) {
			free(key);
			return err;
		}
		reason = strdup(err ? err_detail(err) : "");
		err_free(err);
		if (reason) {
			reason[strcspn(reason, "\n")] = '\0';
			if (key)
				note_put("kvm", key, reason);
		}
	}
	free(key);
	if (!reason)
		return err_nomem();
	*ret_reason = reason;
	return NULL;
}

static struct err *refuse_kvm(enum accel wanted, const char *why, enum accel *ret, char *reason,
			      size_t size)
{
	if (wanted == ACCEL_KVM)
		return err_new(ERR_ENVIRONMENT, "KVM cannot be used here: %s", why);
	snprintf(reason, size, "KVM cannot be used here: %s", why);
	*ret = ACCEL_TCG;
	return NULL;
}

struct err *accel_choose(enum accel wanted, const char *program, const char *kernel,
			 enum accel *ret, char *reason, size_t reason_size)
{
	char seen[REASON_MAX], *why = NULL;
	struct err *err;

	if (wanted == ACCEL_TCG) {
		snprintf(reason, reason_size, "it was asked for");
		*ret = ACCEL_TCG;
		return NULL;
	}
	if (!kvm_present(seen))
		return refuse_kvm(wanted, seen, ret, reason, reason_size);
	ERR_TRY(verdict(program, kernel, wanted == ACCEL_KVM ? TRIAL_TIME_ASKED : TRIAL_TIME,
			&why));
	if (*why) {
		err = refuse_kvm(wanted, why, ret, reason, reason_size);
	} else {
		snprintf(reason, reason_size, "a trial boot under KVM made progress");
		*ret = ACCEL_KVM;
		err = NULL;
	}
	free(why);
	return err;
}
