// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Boots a guest, gives it something of everything that the model shows, and writes its memory as a
 * core file: what tests/damage/damage.c damages.
 *
 *   capture FILE      of $KTDBG_TEST_KERNEL, else the cache's newest; 77 when there is none
 */
#include "commands/session.h"
#include "coord/agent.h"
#include "vmm/kernel_cache.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const scene[] = {
	"run 2s",
	"thaw",
	"cgroup add web weight=300 cpu.max=20%",
	"cgroup add web/front weight=50",
	"cgroup add web/front/ui weight=1000",
	"cgroup add web/front/deep",
	"cgroup add web/front/deep/deeper cpu.max=10ms/100ms",
	"cgroup add web/back cpuset=0-3",
	"cgroup add db weight=900",
	"cgroup add idle",
	"spawn web/front/ui workers=20 work=spin policy=normal comm=web",
	"spawn web/back workers=20 work=pipe comm=front",
	"spawn web/front/deep/deeper workers=10 work=spin policy=batch comm=deep",
	"spawn web/front/ui workers=30 work=futex clone=thread comm=back",
	"spawn db workers=40 work=spin nice=5 comm=db",
	"spawn idle workers=60 work=sleep comm=sleeper",
	"spawn @runner workers=4 work=spin policy=fifo:5 comm=fifo affinity=6",
	"spawn @runner workers=3 work=spin policy=rr:9 comm=rr affinity=6",
	"spawn @runner workers=2 work=spin policy=deadline:1ms/20ms comm=dl",
	"spawn @runner workers=3 work=priority-inversion comm=invert",
	"spawn @runner workers=1 work=fork-exit comm=fork",
	"run 200ms",
	"thaw",
	"sched attach vtime",
	"run 100ms",
};

static struct err *execute(struct session *s, const char *line)
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	struct err *err;
	bool more;

	if (!out)
		return err_nomem();
	err = session_execute(s, line, out, &more);
	out_destroy(out);
	str_deinit(&text);
	return err_wrap(err, "%s", line);
}

static struct err *play(struct session *s, const char *file)
{
	struct agent *agent = coord_agent(session_coord(s));
	const char *line;
	int pid;

	ERR_TRY(agent_run(agent, NULL, "/maps", 0, NULL, &pid));
	for (unsigned int i = 0; i < sizeof(scene) / sizeof(*scene); i++)
		ERR_TRY(execute(s, scene[i]));
	line = str_format("vmcore %s", file);
	return line ? execute(s, line) : err_nomem();
}

/* The program for the guest lies with the guest tests. */
static char *add_file(void)
{
	char self[4096] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		return NULL;
	return str_format("%s/../guest/maps:/maps", dirname(self));
}

static struct err *capture(const char *kernel, const char *file)
{
	const char *files[] = {add_file()};
	struct options options;
	struct session *s;
	struct err *err;

	options_init(&options);
	options.kernel = kernel;
	options.add_files = files;
	options.add_file_count = 1;
	ERR_TRY(topology_parse("1n2l4c1t", &options.topology));
	ERR_TRY(session_create(&options, &s));
	err = session_boot(s);
	if (!err)
		err = play(s, file);
	session_destroy(s);
	return err;
}

int main(int argc, char **argv)
{
	const char *kernel = getenv("KTDBG_TEST_KERNEL");
	char *path = NULL;
	struct err *err;

	if (argc != 2)
		return 2;
	err = kernel_cache_resolve(kernel, &path);
	if (err) {
		fprintf(stderr, "skipped: %s\n", err_detail(err));
		return 77;
	}
	unlink(argv[1]);
	err = capture(kernel, argv[1]);
	if (err)
		fprintf(stderr, "capture: %s\n", err_detail(err));
	return err != NULL;
}
