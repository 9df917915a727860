/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/doctor.h"

#include "base/file.h"
#include "vmm/kernel_cache.h"
#include "vmm/kvm/checks.h"
#include "vmm/qemu.h"
#include "vmm/vclock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

static const struct out_column columns[] = {{"check", 0}, {"verdict", 0}, {"detail", 0}};

struct doctor {
	struct out *out;
	bool missing; /* something without which no guest starts */
};

static void row(struct doctor *d, const char *check, const char *verdict, const char *detail)
{
	const struct out_value values[] = {out_string(check), out_string(verdict),
					   out_string(detail)};

	out_row(d->out, values);
}

/* A check that must succeed: `err` is consumed, `detail` says what was found. */
static void need(struct doctor *d, const char *check, struct err *err, const char *detail)
{
	if (err) {
		d->missing = true;
		row(d, check, "missing", err_detail(err));
	} else {
		row(d, check, "ok", detail);
	}
	err_free(err);
}

static void check_host(struct doctor *d)
{
	char text[256];
	struct utsname names;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (uname(&names) != 0)
		snprintf(names.release, sizeof(names.release), "?");
	snprintf(text, sizeof(text), "Linux %.80s, %ld CPU%s", names.release, cpus,
		 cpus == 1 ? "" : "s");
	row(d, "host", "ok", text);
}

static bool cpu_has_flag(const char *info, const char *flag)
{
	const char *flags = strstr(info, "\nflags");

	for (const char *p = flags; p && (p = strstr(p, flag)); p += strlen(flag)) {
		char after = p[strlen(flag)];

		if (p[-1] == ' ' && (after == ' ' || after == '\n'))
			return true;
	}
	return false;
}

/* VMX or SVM as the host's kernel shows them, NULL when there is neither. */
static const char *virtualisation(void)
{
	size_t len;
	char *info;
	const char *found = NULL;
	struct err *err = read_whole_file("/proc/cpuinfo", 8 << 20, &info, &len);

	if (err) {
		err_free(err);
		return NULL;
	}
	if (cpu_has_flag(info, "vmx"))
		found = "VMX";
	else if (cpu_has_flag(info, "svm"))
		found = "SVM";
	free(info);
	return found;
}

static void check_kvm(struct doctor *d)
{
	const char *cpu = virtualisation();
	char text[160];
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		snprintf(text, sizeof(text), "/dev/kvm: %s; guests run on TCG", strerror(errno));
		row(d, "kvm", "no", text);
		return;
	}
	close(fd);
	if (cpu)
		snprintf(text, sizeof(text),
			 "/dev/kvm opens, the CPU has %s; a trial decides at the boot", cpu);
	else
		snprintf(text, sizeof(text),
			 "/dev/kvm opens, but the CPU shows neither VMX nor SVM");
	row(d, "kvm", cpu ? "maybe" : "no", text);
}

static void check_plugin(struct doctor *d, const char *version)
{
	char *plugin = NULL;
	struct err *err = vclock_plugin(version, &plugin);

	if (err) {
		row(d, "virtual clock", "no", err_detail(err));
		err_free(err);
	} else {
		row(d, "virtual clock", "ok", plugin);
	}
	free(plugin);
}

static void check_qemu(struct doctor *d)
{
	const char *program = getenv("KTDBG_QEMU");
	char *path = NULL, *version = NULL, *text = NULL;
	struct err *err = qemu_find(program && *program ? program : "qemu-system-x86_64", &path);

	if (!err)
		err = qemu_version(path, &version);
	if (!err)
		text = str_format("%s, version %s", path, version);
	need(d, "qemu", err, text ? text : "");
	if (version)
		check_plugin(d, version);
	free(path);
	free(version);
	free(text);
}

static void check_kernel(struct doctor *d)
{
	char *path = NULL, *text = NULL;
	struct kernel_image image;
	struct err *err = kernel_cache_resolve(NULL, &path);

	if (!err)
		err = kernel_image_read(path, &image);
	if (!err)
		text = str_format("%s (sched_ext %s, BTF %s)", image.version,
				  kernel_feature_name(image.sched_ext),
				  kernel_feature_name(image.btf));
	need(d, "kernel", err, text ? text : "");
	free(path);
	free(text);
}

static void check_image(struct doctor *d)
{
	char *path = NULL;
	struct err *err = data_path("initramfs.cpio", &path);

	if (!err && access(path, R_OK) != 0)
		err = err_os(errno, "%s", path);
	need(d, "guest image", err, path ? path : "");
	free(path);
}

static void check_cache(struct doctor *d)
{
	char *path = NULL;
	struct err *err = cache_path("", &path);

	if (!err && access(path, W_OK) != 0)
		err = err_os(errno, "%s", path);
	if (err) {
		row(d, "cache", "no", err_detail(err));
		err_free(err);
	} else {
		row(d, "cache", "ok", path);
	}
	free(path);
}

static void check_terminal(struct doctor *d)
{
	struct winsize size = {0};
	const char *term = getenv("TERM");
	char text[160];

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
		row(d, "terminal", "no",
		    "standard output is no terminal: the prompt instead of the screen");
		return;
	}
	snprintf(text, sizeof(text), "%.60s, %ux%u%s", term ? term : "TERM is not set", size.ws_col,
		 size.ws_row,
		 size.ws_col < 80 || size.ws_row < 24 ? "; the screen wants 80x24" : "");
	row(d, "terminal", size.ws_col < 80 || size.ws_row < 24 || !term ? "small" : "ok", text);
}

struct err *doctor_run(struct out *out)
{
	struct doctor d = {.out = out};

	out_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	check_host(&d);
	check_kvm(&d);
	check_qemu(&d);
	check_kernel(&d);
	check_image(&d);
	check_cache(&d);
	check_terminal(&d);
	out_table_end(out);
	return d.missing ? err_new(ERR_ENVIRONMENT,
				   "no guest can be started here: see what is missing")
			 : NULL;
}

struct err *doctor_kvm(struct out *out)
{
	struct kvm_check checks[KVM_CHECKS];
	struct doctor d = {.out = out};
	unsigned int counts[KVM_NOT_OFFERED + 1] = {0};

	kvm_checks_run(checks);
	out_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned int i = 0; i < KVM_CHECKS; i++) {
		row(&d, checks[i].name, kvm_verdict_name(checks[i].verdict), checks[i].detail);
		counts[checks[i].verdict]++;
	}
	out_table_end(out);
	if (counts[KVM_FAIL])
		return err_new(ERR_EXPECT, "%u of %d checks of KVM failed", counts[KVM_FAIL],
			       KVM_CHECKS);
	if (counts[KVM_NOT_OFFERED])
		return err_new(ERR_NOT_OFFERED, "%u of %d checks of KVM are not offered here",
			       counts[KVM_NOT_OFFERED], KVM_CHECKS);
	return NULL;
}
