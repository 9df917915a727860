/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One recording replayed in one guest, in this process: executes its commands at their times, compares
 * what they give with what is expected, and says how it went.
 *
 * A false `expect`, `wait` or `until` fails whatever output the recording has under it, and ends the
 * replay. Any other error of a command is output ("error: ..."), which fails when the recording does not
 * expect it.
 *
 * Not responsible for processes, time-outs and reports: commands/batch.h.
 */
#ifndef COMMANDS_REPLAY_H
#define COMMANDS_REPLAY_H

#include "base/err.h"
#include "commands/recording.h"
#include "commands/session.h"

#include <stdbool.h>
#include <stdint.h>

enum replay_outcome {
	REPLAY_PASSED,
	REPLAY_FAILED,       /* an expectation, or output that differs */
	REPLAY_MALFORMED,
	REPLAY_ENVIRONMENT,  /* no kernel, no QEMU, the guest did not come up */
	REPLAY_GUEST_DIED,
	REPLAY_INTERRUPTED,
};

struct replay_result {
	enum replay_outcome outcome;
	unsigned int line;      /* of the recording, where it first went wrong; 0: none */
	bool only_output;       /* every command did well: only output lines may be wrong */
	uint64_t guest_ns, host_ns;
	uint64_t memory;        /* checksum of guest memory at the end; 0: the clock was real, or no guest */
	/* All owned; "" where there is nothing to say. */
	char *message;          /* what went wrong */
	char *differs;          /* in what this run is not the recorded one, so that only expectations decide */
	char *transcript;       /* what was done and what it gave, as a recording's body */
	char *diff;             /* unified, from the recording to what this run would have recorded */
	char *blessed;          /* the whole recording with this run's output */
	char *pinned;           /* that with this run's seed in its header, but for the output of the step
				 * that failed: it fails there again. Only of another interleaving that failed. */
	char *console;          /* of the guest, its end; only when it failed */
};

/* What is laid over the header of a recording, so that it runs otherwise than it was made. */
struct replay_change {
	const struct quantum *quantum; /* another interleaving: only expectations decide then; NULL: as recorded */
	/* Called while guest time passes, held, at multiples of so many guest ns; its error ends the replay.
	 * NULL: nobody looks. */
	uint64_t look_step;
	struct err *(*look)(void *context, struct session *s);
	void *context;
	const char *kernel; /* in place of the recorded one; NULL: that */
	/* A folder, made when it is needed, for the guest of a replay that failed: "screen" (what the
	 * inspecting commands say) and "core" (its memory, for drgn and crash). NULL: none. */
	const char *artifacts;
};

/* Runs `r` with its header laid over `options`, and `change` over both (NULL: nothing). The error is for
 * what is not the recording's result: out of memory. */
struct err *replay_run(const struct recording *r, const struct options *options,
		       const struct replay_change *change, struct replay_result *ret)
	__attribute__((warn_unused_result));
/* The options that a replay of `r` has: `base` without what would get in its way, and the header over
 * that. Strings are borrowed from both; free with options_deinit(), also after an error. ERR_USAGE. */
struct err *replay_options(const struct recording *r, const struct options *base,
			   struct options *ret) __attribute__((warn_unused_result));

/*
 * Run the commands before line `line` (0: all) in `session`, made with replay_options(), and hold the
 * guest there: at the time of the command in that line, if it has one, and frozen. What a command
 * gives goes to `out`, its error too, which does not end the replay: what came of it is what somebody
 * wants to look at. The error is for a guest that is not there (any more),
 * and an interruption.
 */
struct err *replay_until(struct session *session, const struct recording *r, unsigned int line,
			 struct out *out) __attribute__((warn_unused_result));

/* One step, all its lines, through the session's door; the error is the command's own. */
struct err *replay_execute(struct session *session, const struct recording_step *step, struct out *out)
	__attribute__((warn_unused_result));

void replay_result_deinit(struct replay_result *result);

#endif
