/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/kernel_fetch.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "base/str.h"
#include "vmm/helper.h"
#include "vmm/kernel_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND 1000000000ULL
#define APT_TIMEOUT (60 * SECOND)
#define NETWORK_TIMEOUT (900 * SECOND)

struct fetch {
	kernel_progress_fn progress;
	void *context;
	char *kernels; /* the cache's folder of kernels */
	char *apt;     /* apt's private world: configuration, sources, lists */
	char *config;  /* apt's configuration file in it */
	int lock;
};

static void say(const struct fetch *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct fetch *f, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!f->progress)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	f->progress(f->context, line);
}

/* One fetch at a time: the second waits, and then finds the kernel there. */
static struct err *fetch_lock(struct fetch *f)
{
	char *path = str_format("%s/lock", f->apt);
	bool told = false;

	if (!path)
		return err_nomem();
	f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (f->lock < 0)
		return err_os(errno, "cannot lock the kernel cache");
	while (flock(f->lock, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_os(errno, "cannot lock the kernel cache");
		if (interrupted())
			return err_new(ERR_INTERRUPTED, "interrupted");
		if (!told)
			say(f, "another ktdbg is fetching a kernel: waiting for it");
		told = true;
		usleep(100000);
	}
	return NULL;
}

static void fetch_deinit(struct fetch *f)
{
	close_fd(&f->lock);
	free(f->config);
	free(f->apt);
	free(f->kernels);
}

static struct err *fetch_init(struct fetch *f, kernel_progress_fn progress, void *context)
{
	struct err *err;

	*f = (struct fetch){.progress = progress, .context = context, .lock = -1};
	err = cache_path("kernels", &f->kernels);
	if (!err)
		err = cache_path("apt", &f->apt);
	if (!err) {
		f->config = str_format("%s/apt.conf", f->apt);
		err = f->config ? make_directories(f->kernels, 0755) : err_nomem();
	}
	if (!err && strpbrk(f->apt, "\"\n;"))
		err = err_new(ERR_ENVIRONMENT, "apt cannot work in a folder of this name: %s", f->apt);
	return err;
}

/* apt keeps partial files in folders that it expects to find. */
static struct err *apt_folders(const struct fetch *f)
{
	static const char *const names[] = {"lists/partial", "cache/archives/partial", "new"};
	struct err *err = NULL;

	for (size_t i = 0; !err && i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = str_format("%s/%s", f->apt, names[i]);

		err = path ? make_directories(path, 0755) : err_nomem();
		free(path);
	}
	return err;
}

/*
 * Everything of the machine's own configuration stays (proxies, timeouts), but its sources, pins,
 * lists, hooks and the change of user, which would fail for an ordinary user or in a private folder.
 */
#define APT_CONFIG_FORMAT                                                                          \
	"#clear APT::Update::Pre-Invoke;\n"                                                        \
	"#clear APT::Update::Post-Invoke;\n"                                                       \
	"#clear APT::Update::Post-Invoke-Success;\n"                                               \
	"#clear APT::Default-Release;\n"                                                           \
	"#clear Acquire::IndexTargets::deb;\n"                                                     \
	"Acquire::IndexTargets::deb::Packages { MetaKey \"$(COMPONENT)/binary-$(ARCHITECTURE)/Packages\";" \
	" flatMetaKey \"Packages\"; ShortDescription \"Packages\";"                                \
	" Description \"$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages\"; };\n"                  \
	"APT::Architecture \"amd64\";\n"                                                           \
	"APT::Architectures { \"amd64\"; };\n"                                                     \
	"APT::Sandbox::User \"root\";\n"                                                           \
	"Acquire::Languages \"none\";\n"                                                           \
	"Acquire::Retries \"3\";\n"                                                                \
	"Dir::Etc::SourceList \"%s/sources.list\";\n"                                              \
	"Dir::Etc::SourceParts \"/dev/null\";\n"                                                   \
	"Dir::Etc::Preferences \"/dev/null\";\n"                                                   \
	"Dir::Etc::PreferencesParts \"/dev/null\";\n"                                              \
	"Dir::State::Lists \"%s/lists\";\n"                                                        \
	"Dir::Cache \"%s/cache\";\n"

static struct err *write_config(const struct fetch *f)
{
	char *text = str_format(APT_CONFIG_FORMAT, f->apt, f->apt, f->apt);
	struct err *err;

	if (!text)
		return err_nomem();
	err = replace_file(f->config, text, strlen(text));
	free(text);
	return err;
}

/* Debian's own keys where they are; without, apt falls back to those that it trusts anyway. */
static const char *signed_by(void)
{
	if (access("/usr/share/keyrings/debian-archive-keyring.gpg", R_OK) == 0)
		return "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ";
	if (access("/usr/share/keyrings/debian-archive-keyring.pgp", R_OK) == 0)
		return "[signed-by=/usr/share/keyrings/debian-archive-keyring.pgp] ";
	return "";
}

static struct err *write_sources(const struct fetch *f, const struct kernel_archive *archive)
{
	char *text = str_format("deb %s%s %s main\n", signed_by(), archive->uri, archive->suite);
	char *path = str_format("%s/sources.list", f->apt);
	struct err *err;

	err = text && path ? replace_file(path, text, strlen(text)) : err_nomem();
	free(path);
	free(text);
	return err;
}

/* VERSION_CODENAME of this distribution, "" when it does not say. */
static struct err *read_codename(char *ret, size_t size)
{
	static const char key[] = "\nVERSION_CODENAME=";
	char *text, *at;

	ERR_TRY(read_whole_file("/etc/os-release", 65536, &text, NULL));
	at = strstr(text, key);
	at = at ? at + strlen(key) : text + strlen(text);
	at += *at == '"';
	snprintf(ret, size, "%.*s", (int)strcspn(at, "\"\n"), at);
	free(text);
	return NULL;
}

static struct err *no_apt(struct err *err)
{
	if (!err || err_kind(err) != ERR_NOT_FOUND)
		return err;
	err_free(err);
	return err_new(ERR_ENVIRONMENT,
		       "kernels are fetched with apt, which this machine does not have; give --kernel "
		       "PATH (a stock kernel is usually /usr/lib/modules/VERSION/vmlinuz or "
		       "/boot/vmlinuz-VERSION)");
}

static struct err *find_archive(struct kernel_archive *ret)
{
	static const char *const argv[] = {"apt-get", "indextargets", "--format", KERNEL_TARGET_FORMAT,
					   "Created-By: Packages", NULL};
	struct str targets = {0};
	char codename[64];
	struct err *err;

	err = no_apt(helper_run(argv, NULL, APT_TIMEOUT, &targets));
	if (!err)
		err = read_codename(codename, sizeof(codename));
	if (!err)
		err = kernel_archive_choose(str_text(&targets), codename, ret);
	str_deinit(&targets);
	return err;
}

/* apt's failures are the environment's: network, mirror, keys. */
static struct err *environment(struct err *err)
{
	struct err *as_environment;

	if (!err || err_kind(err) == ERR_INTERRUPTED || err_kind(err) == ERR_NOMEM)
		return err;
	as_environment = err_new(ERR_ENVIRONMENT, "%s", err_detail(err));
	err_free(err);
	return as_environment;
}

static struct err *update_lists(const struct fetch *f, const struct kernel_archive *archive)
{
	const char *const argv[] = {"apt-get", "-c", f->config, "-q", "update", NULL};

	say(f, "reading the package list of %s at %s", archive->suite, archive->uri);
	return environment(helper_run(argv, NULL, NETWORK_TIMEOUT, NULL));
}

static struct err *find_package(const struct fetch *f, const char *wanted,
				struct kernel_package *ret)
{
	const char *const argv[] = {"apt-cache", "-c", f->config, "search", "--names-only",
				    KERNEL_PACKAGE_PATTERN, NULL};
	struct str names = {0};
	struct err *err = environment(helper_run(argv, NULL, APT_TIMEOUT, &names));

	if (!err)
		err = kernel_package_choose(str_text(&names), wanted, ret);
	str_deinit(&names);
	return err;
}

/* The one package file in `folder`; with `remove`, none is left. NULL when there is none. */
static char *package_file(const char *folder, bool remove)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char *path = NULL;

	while (dir && !path && (entry = readdir(dir))) {
		if (fnmatch("*.deb", entry->d_name, 0) != 0)
			continue;
		path = str_format("%s/%s", folder, entry->d_name);
		if (path && remove) {
			unlink(path);
			free(path);
			path = NULL;
		}
	}
	if (dir)
		closedir(dir);
	return path;
}

/* Unpack to a temporary name, look that it is what it should be, and put it in place. */
static struct err *install_image(const struct fetch *f, const char *deb, const char *version,
				 const char *path)
{
	char *folder = str_format("%s/%s", f->kernels, version);
	char *temporary = str_format("%s/%s/.vmlinuz.XXXXXX", f->kernels, version);
	struct kernel_image image;
	struct err *err = folder && temporary ? make_directories(folder, 0755) : err_nomem();
	int fd = -1;

	if (!err && (fd = mkostemp(temporary, O_CLOEXEC)) < 0)
		err = err_os(errno, "cannot create %s", temporary);
	if (!err)
		err = kernel_package_unpack(deb, fd);
	if (!err && (fchmod(fd, 0644) || fsync(fd)))
		err = err_os(errno, "cannot write %s", temporary);
	if (!err)
		err = kernel_image_read(temporary, &image);
	if (!err && rename(temporary, path))
		err = err_os(errno, "cannot rename to %s", path);
	if (!err)
		say(f, "%s: sched_ext %s, BTF %s", image.version, kernel_feature_name(image.sched_ext),
		    kernel_feature_name(image.btf));
	if (err && fd >= 0)
		unlink(temporary);
	close_fd(&fd);
	free(temporary);
	free(folder);
	return err;
}

static struct err *download(const struct fetch *f, const struct kernel_package *package,
			    const char *path)
{
	const char *const argv[] = {"apt-get", "-c", f->config, "-q", "download", package->name, NULL};
	char *folder = str_format("%s/new", f->apt), *deb = NULL;
	struct err *err;

	if (!folder)
		return err_nomem();
	package_file(folder, true);
	say(f, "downloading %s", package->name);
	err = environment(helper_run(argv, folder, NETWORK_TIMEOUT, NULL));
	if (!err) {
		deb = package_file(folder, false);
		err = deb ? install_image(f, deb, package->version, path)
			  : err_new(ERR_ENVIRONMENT, "apt-get downloaded nothing for %s", package->name);
	}
	package_file(folder, true);
	free(deb);
	free(folder);
	return err;
}

static struct err *fetch_package(const struct fetch *f, const char *wanted, char **ret_path)
{
	struct kernel_archive archive;
	struct kernel_package package;
	struct err *err;
	char *path;

	ERR_TRY(find_archive(&archive));
	ERR_TRY(apt_folders(f));
	ERR_TRY(write_config(f));
	ERR_TRY(write_sources(f, &archive));
	ERR_TRY(update_lists(f, &archive));
	ERR_TRY(find_package(f, wanted, &package));
	path = str_format("%s/%s/vmlinuz", f->kernels, package.version);
	if (!path)
		return err_nomem();
	if (access(path, R_OK) == 0) {
		say(f, "%s is in the cache already", package.version);
		err = NULL;
	} else {
		err = download(f, &package, path);
	}
	if (err)
		free(path);
	else
		*ret_path = path;
	return err;
}

/* A whole version that is cached needs no network; NULL when it is not. */
static char *cached_image(const struct fetch *f, const char *wanted)
{
	char *path;

	if (!wanted || wanted[0] == '.' || strchr(wanted, '/'))
		return NULL;
	path = str_format("%s/%s/vmlinuz", f->kernels, wanted);
	if (path && access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static struct err *fetch_locked(struct fetch *f, const char *wanted, char **ret_path)
{
	char *path = cached_image(f, wanted);

	if (!path)
		return fetch_package(f, wanted, ret_path);
	say(f, "%s is in the cache already", wanted);
	*ret_path = path;
	return NULL;
}

struct err *kernel_cache_fetch(const char *wanted, kernel_progress_fn progress, void *context,
			       char **ret_path)
{
	struct fetch fetch;
	struct err *err = fetch_init(&fetch, progress, context);

	if (!err)
		err = make_directories(fetch.apt, 0700);
	if (!err)
		err = fetch_lock(&fetch);
	if (!err)
		err = fetch_locked(&fetch, wanted, ret_path);
	fetch_deinit(&fetch);
	return err_wrap(err, "cannot fetch a kernel");
}
