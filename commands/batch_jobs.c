/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Child processes of --batch: one for each run, forked from a process that has no guest, no thread
 * and no lock. A child answers through a memfd: lengths, then bytes.
 */
#include "commands/batch_impl.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "base/parse.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ANSWER (256u << 20)
#define GRACE 5000000000ULL /* host ns that a child has to end after SIGINT */
/* The same after SIGALRM: it writes artifacts, a whole core among them. */
#define LAST_WORDS 30000000000ULL

/* ---- the answer ---- */

enum { ANSWER_TEXTS = 7 };

struct answer {
	uint32_t outcome, line, only_output;
	uint64_t guest_ns, host_ns, memory;
	uint64_t lengths[ANSWER_TEXTS];
};

static void answer_texts(struct replay_result *r, char **texts[ANSWER_TEXTS])
{
	texts[0] = &r->message;
	texts[1] = &r->differs;
	texts[2] = &r->transcript;
	texts[3] = &r->diff;
	texts[4] = &r->blessed;
	texts[5] = &r->console;
	texts[6] = &r->pinned;
}

static struct err *write_answer(int fd, struct replay_result *r)
{
	struct answer answer = {r->outcome, r->line,    r->only_output, r->guest_ns,
				r->host_ns, r->memory, {0}};
	char **texts[ANSWER_TEXTS];

	answer_texts(r, texts);
	for (unsigned int i = 0; i < ANSWER_TEXTS; i++)
		answer.lengths[i] = strlen(*texts[i]);
	ERR_TRY(write_all(fd, &answer, sizeof(answer)));
	for (unsigned int i = 0; i < ANSWER_TEXTS; i++)
		ERR_TRY(write_all(fd, *texts[i], answer.lengths[i]));
	return NULL;
}

/* False when the child did not get to answer, or not to the end. */
static bool read_answer(int fd, struct replay_result *ret)
{
	struct answer answer;
	char **texts[ANSWER_TEXTS];
	off_t at = sizeof(answer);

	if (pread(fd, &answer, sizeof(answer), 0) != sizeof(answer))
		return false;
	ret->outcome = answer.outcome;
	ret->line = answer.line;
	ret->only_output = answer.only_output;
	ret->guest_ns = answer.guest_ns;
	ret->host_ns = answer.host_ns;
	ret->memory = answer.memory;
	answer_texts(ret, texts);
	for (unsigned int i = 0; i < ANSWER_TEXTS; i++) {
		size_t len = answer.lengths[i];

		if (len > MAX_ANSWER)
			return false;
		*texts[i] = calloc(1, len + 1);
		if (!*texts[i] || pread(fd, *texts[i], len, at) != (ssize_t)len)
			return false;
		at += (off_t)len;
	}
	return true;
}

/* What the parent says of a child, in place of the child's own words or where it gave none. Takes
 * `message`. */
static struct err *own_message(struct batch_run *run, enum replay_outcome outcome, char *message)
{
	struct replay_result *r = &run->result;
	char **texts[ANSWER_TEXTS];

	free(r->message);
	r->outcome = outcome;
	r->message = message;
	answer_texts(r, texts);
	for (unsigned int i = 0; i < ANSWER_TEXTS; i++) {
		if (!*texts[i])
			*texts[i] = strdup("");
		if (!message || !*texts[i])
			return err_nomem();
	}
	return NULL;
}

/* ---- the child ---- */

static void run_child(const struct batch *b, struct batch_run *run)
{
	const struct quantum quantum = {.ns = 0, .seed = run->seed};
	struct replay_change change = {.quantum = run->seed ? &quantum : NULL,
				       .kernel = run->of->kernel};
	struct replay_result result;
	struct err *err;

	/* Whatever becomes of the parent, no guest outlives it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (b->options->artifacts)
		change.artifacts = batch_run_folder(run, b->options->artifacts);
	err = replay_run(run->of->recording, b->options->session, &change, &result);
	if (!err)
		err = write_answer(run->result_fd, &result);
	if (err)
		fprintf(stderr, "ktdbg: %s: %s\n", run->of->path, err_detail(err));
	fflush(NULL);
	_exit(err ? 3 : 0);
}

static struct err *start_run(const struct batch *b, struct batch_run *run)
{
	run->result_fd = memfd_create("ktdbg-result", MFD_CLOEXEC);
	if (run->result_fd < 0)
		return err_os(errno, "memfd_create");
	fflush(NULL);
	run->pid = fork();
	if (run->pid < 0) {
		run->pid = 0;
		close_fd(&run->result_fd);
		return err_os(errno, "fork");
	}
	if (run->pid == 0)
		run_child(b, run);
	run->pidfd = pidfd_open(run->pid, 0);
	if (run->pidfd < 0)
		return err_os(errno, "pidfd_open");
	run->deadline = host_now() + b->options->timeout_ns;
	return NULL;
}

/* ---- the parent ---- */

static char *death_message(int status)
{
	if (WIFSIGNALED(status))
		return str_format("its ktdbg was killed by signal %d (%s)", WTERMSIG(status),
				  strsignal(WTERMSIG(status)));
	return str_format("its ktdbg ended with status %d and no result", WEXITSTATUS(status));
}

/* Where it was when its time was over, if the child could still say so. */
static struct err *tell_timeout(const struct batch *b, struct batch_run *run)
{
	char limit[DURATION_TEXT];
	struct str s = {0};

	if (run->result.line)
		str_addf(&s, "%s:%u: ", run->of->path, run->result.line);
	str_addf(&s, "it did not end within %s of host time",
		 format_duration(b->options->timeout_ns, limit));
	return own_message(run, REPLAY_FAILED, str_take(&s));
}

/* Exploring ends with the smallest seed that fails, however many run at once. */
static bool superseded(const struct batch_run *run)
{
	return run->seed && run->seed - 1 > run->of->first_failed;
}

static void note_failure(struct batch_run *run)
{
	if (run->seed && !run->cancelled && run->result.outcome != REPLAY_PASSED &&
	    run->seed - 1 < run->of->first_failed)
		run->of->first_failed = (unsigned int)run->seed - 1;
}

/* The child has ended. */
static struct err *collect(const struct batch *b, struct batch_run *run)
{
	struct err *err = NULL;
	bool answered;
	int status = 0;

	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		;
	close_fd(&run->pidfd);
	run->done = true;
	answered = read_answer(run->result_fd, &run->result);
	if (!answered)
		replay_result_deinit(&run->result);
	if (!run->cancelled && run->timed_out)
		err = tell_timeout(b, run);
	else if (!run->cancelled && !answered)
		err = own_message(run, interrupted() ? REPLAY_INTERRUPTED : REPLAY_ENVIRONMENT,
				  death_message(status));
	note_failure(run);
	close_fd(&run->result_fd);
	return err;
}

/* All runs, in order of their cases. */
static struct batch_run *next_run(const struct batch *b, unsigned int *case_at,
				  unsigned int *run_at)
{
	for (; *case_at < b->case_count; (*case_at)++, *run_at = 0)
		if (*run_at < b->cases[*case_at].run_count)
			return &b->cases[*case_at].runs[(*run_at)++];
	return NULL;
}

struct slots {
	struct batch_run **runs;
	unsigned int count, used;
	bool stopping;
};

static void remove_slot(struct slots *s, unsigned int i)
{
	s->runs[i] = s->runs[--s->used];
}

/* A child whose time is over may say where it is, then it is killed. */
static void check_time(const struct slots *s, struct batch_run *run)
{
	uint64_t now = host_now();

	if (run->cancelled)
		return;
	if (superseded(run)) {
		run->cancelled = true;
		kill(run->pid, SIGKILL);
	} else if (now > run->deadline && (run->timed_out || s->stopping)) {
		kill(run->pid, SIGKILL);
	} else if (now > run->deadline) {
		run->timed_out = true;
		run->deadline = now + LAST_WORDS;
		kill(run->pid, SIGALRM);
	}
}

/* Until a child ends, or a while. */
static struct err *wait_for_one(const struct batch *b, struct slots *s)
{
	struct pollfd *fds = calloc(s->used, sizeof(*fds));
	struct err *err = NULL;

	if (!fds)
		return err_nomem();
	for (unsigned int i = 0; i < s->used; i++)
		fds[i] = (struct pollfd){.fd = s->runs[i]->pidfd, .events = POLLIN};
	if (poll(fds, s->used, 200) < 0 && errno != EINTR)
		err = err_os(errno, "poll");
	for (unsigned int i = s->used; !err && i-- > 0;) {
		struct batch_run *run = s->runs[i];

		check_time(s, run);
		if (!(fds[i].revents & POLLIN))
			continue;
		err = collect(b, run);
		remove_slot(s, i);
	}
	free(fds);
	return err;
}

/* After Ctrl-C, which the terminal gave to the children too: let them end, then make them. */
static void stop_all(const struct batch *b, struct slots *s)
{
	uint64_t deadline = host_now() + GRACE;

	s->stopping = true;
	for (unsigned int i = 0; i < s->used; i++)
		kill(s->runs[i]->pid, SIGINT);
	for (unsigned int i = 0; i < s->used; i++)
		if (s->runs[i]->deadline > deadline)
			s->runs[i]->deadline = deadline;
	while (s->used) {
		struct err *err = wait_for_one(b, s);

		if (err) {
			err_free(err);
			break;
		}
	}
}

static bool case_finished(const struct batch_case *c)
{
	for (unsigned int i = 0; i < c->run_count; i++)
		if (!c->runs[i].done)
			return false;
	return true;
}

static struct err *report_finished(struct batch *b,
				   struct err *(*done)(struct batch *b, struct batch_case *c))
{
	for (unsigned int i = 0; i < b->case_count; i++) {
		struct batch_case *c = &b->cases[i];

		if (c->reported)
			continue;
		if (!case_finished(c))
			return NULL;
		c->reported = true;
		ERR_TRY(done(b, c));
	}
	return NULL;
}

static struct err *run_all(struct batch *b, struct slots *s,
			   struct err *(*done)(struct batch *b, struct batch_case *c))
{
	unsigned int case_at = 0, run_at = 0;
	struct batch_run *next = next_run(b, &case_at, &run_at);

	ERR_TRY(report_finished(b, done));
	while ((next || s->used) && !interrupted()) {
		if (next && superseded(next)) {
			next->done = next->cancelled = true;
			next = next_run(b, &case_at, &run_at);
			continue;
		}
		if (next && s->used < s->count) {
			ERR_TRY(start_run(b, next));
			s->runs[s->used++] = next;
			next = next_run(b, &case_at, &run_at);
			continue;
		}
		ERR_TRY(wait_for_one(b, s));
		ERR_TRY(report_finished(b, done));
	}
	return NULL;
}

static unsigned int job_count(const struct batch_options *o)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->jobs)
		return o->jobs;
	return cpus >= 4 ? (unsigned int)(cpus / 2) : 1;
}

struct err *batch_jobs_run(struct batch *b,
			   struct err *(*done)(struct batch *b, struct batch_case *c))
{
	struct slots s = {.count = job_count(b->options)};
	struct err *err;

	s.runs = calloc(s.count, sizeof(struct batch_run *));
	if (!s.runs)
		return err_nomem();
	err = run_all(b, &s, done);
	stop_all(b, &s);
	if (!err)
		err = report_finished(b, done);
	free(s.runs);
	return err;
}
