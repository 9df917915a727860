/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/rivals.h"

#include "base/file.h"
#include "base/str.h"
#include "vmm/helper.h"
#include "vmm/qmp.h"

#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define READS 8000 /* 1,000 tasks, 8 fields each */
#define SECOND UINT64_C(1000000000)

static pid_t start_qemu(const char *qmp, const char *gdb)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execlp("qemu-system-x86_64", "qemu-system-x86_64", "-S", "-m", "64", "-nodefaults", "-display", "none",
	       "-accel", "tcg", "-qmp", qmp, "-gdb", gdb, NULL);
	_exit(127);
}

static struct err *connect_to(const char *path, int *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t deadline = host_now() + 10 * SECOND;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return err_os(fd < 0 ? errno : ENAMETOOLONG, "cannot make a socket");
	strcpy(address.sun_path, path);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		if (host_now() > deadline) {
			close(fd);
			return err_new(ERR_TIMEOUT, "QEMU does not open %s", path);
		}
		usleep(10000);
	}
	*ret = fd;
	return NULL;
}

static struct err *read_by_qmp(struct qmp *q)
{
	struct json_object *arguments = json_object_new_object(), *result;

	json_object_object_add(arguments, "command-line", json_object_new_string("xp /1gx 0x1000"));
	ERR_TRY(qmp_execute(q, "human-monitor-command", arguments, -1, 10 * SECOND, &result));
	json_object_put(result);
	return NULL;
}

static struct err *measure_qmp(const char *path, struct rivals *ret)
{
	struct qmp qmp;
	struct err *err;
	uint64_t start;
	int fd;

	ERR_TRY(connect_to(path, &fd));
	qmp_init(&qmp, fd, NULL, NULL);
	err = qmp_negotiate(&qmp, 10 * SECOND);
	start = host_now();
	for (unsigned int i = 0; !err && i < READS; i++)
		err = read_by_qmp(&qmp);
	if (!err) {
		ret->qmp_walk_ns = host_now() - start;
		ret->qmp_read_ns = ret->qmp_walk_ns / READS;
		ret->has_qmp = true;
	}
	qmp_deinit(&qmp);
	return err;
}

/* In gdb's own Python, which Debian's has; what it prints are nanoseconds and KiB. */
static const char gdb_script[] =
	"import gdb, time, resource\n"
	"memory = gdb.selected_inferior()\n"
	"start = time.monotonic_ns()\n"
	"for i in range(8000):\n"
	"    memory.read_memory(0x1000 + 64 * (i % 512), 8).tobytes()\n"
	"print('walk', time.monotonic_ns() - start)\n"
	"print('rss', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n";

static struct err *run_gdb(const char *target, const char *script, uint64_t *ret_ns, struct str *output)
{
	const char *argv[] = {"gdb", "-nx", "-batch", "-ex", "set architecture i386:x86-64", "-ex", target,
			      "-ex", script, NULL};
	uint64_t start = host_now();
	struct err *err;

	if (!script)
		argv[7] = NULL;
	err = helper_run(argv, NULL, 120 * SECOND, output);
	*ret_ns = host_now() - start;
	return err;
}

static struct err *measure_gdb(const char *folder, const char *socket_path, struct rivals *ret)
{
	char *script = str_format("%s/walk.py", folder), *source = str_format("source %s/walk.py", folder);
	char *target = str_format("target remote %s", socket_path);
	struct str output = {0};
	const char *walk, *rss;
	uint64_t ns;
	struct err *err;

	err = script && source && target ? replace_file(script, gdb_script, strlen(gdb_script)) : err_nomem();
	if (!err)
		err = run_gdb(target, NULL, &ret->gdb_start_ns, &output);
	if (!err)
		err = run_gdb(target, source, &ns, &output);
	walk = strstr(str_text(&output), "walk ");
	rss = strstr(str_text(&output), "rss ");
	if (!err && walk && rss) {
		ret->gdb_walk_ns = strtoull(walk + 5, NULL, 10);
		ret->gdb_read_ns = ret->gdb_walk_ns / READS;
		ret->gdb_rss = strtoull(rss + 4, NULL, 10) << 10;
		ret->has_gdb = true;
	}
	str_deinit(&output);
	free(target);
	free(source);
	free(script);
	return err;
}

struct err *rivals_measure(const char *folder, struct rivals *ret)
{
	char *qmp = str_format("%s/qmp", folder), *gdb = str_format("%s/gdb", folder);
	char *qmp_option = str_format("unix:%s,server=on,wait=off", qmp);
	char *gdb_option = str_format("unix:%s,server=on,wait=off", gdb);
	struct err *err, *gdb_err;
	pid_t pid;

	*ret = (struct rivals){0};
	if (!qmp || !gdb || !qmp_option || !gdb_option)
		return err_nomem();
	pid = start_qemu(qmp_option, gdb_option);
	err = pid < 0 ? err_os(errno, "cannot start QEMU") : measure_qmp(qmp, ret);
	if (!err) {
		gdb_err = measure_gdb(folder, gdb, ret);
		/* A host without gdb has no figures of it. */
		err_free(gdb_err);
	}
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	free(gdb_option);
	free(qmp_option);
	free(gdb);
	free(qmp);
	return err;
}
