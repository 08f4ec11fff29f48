// SPDX-License-Identifier: Apache-2.0

/*
 * main.c: flbhost, a host for Fluent Bit input plugins written in Go.
 *
 * As in Fluent Bit, the main thread loads and registers the plugin, starts the
 * pipeline thread, and then waits for signals, for the end, and for the next
 * action of the script. Finally it calls Unregister and dlclose.
 */
#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script.h"

int notices[2];

static struct proxy *proxy;
static struct engine *engine;
static struct action *actions;
static int n_actions;
static char *plugin_path;
static void *ballast; /* unused memory (--ballast) */
static volatile pid_t child;

/* ---- signals ---- */

static void signals_install(void);

static void on_stop(int sig)
{
    int saved = errno;

    if (child > 0) {
        kill(child, sig);
    }
    else if (write(notices[1], &(char){NOTICE_STOP}, 1) != 1) {
        _exit(128 + sig);
    }
    errno = saved;
}

/* Replaces all handlers, including those of the plugin, as Fluent Bit does. */
static void on_hup(int sig)
{
    int saved = errno;

    signals_install();
    if (sig == SIGHUP && write(notices[1], &(char){NOTICE_RELOAD}, 1) != 1) {
        _exit(128 + sig);
    }
    errno = saved;
}

static void on_fault(int sig)
{
    static const char segv[] = "[engine] caught signal (SIGSEGV)\n";
    static const char fpe[] = "[engine] caught signal (SIGFPE)\n";
    ssize_t n = sig == SIGSEGV ? write(STDERR_FILENO, segv, sizeof segv - 1)
                               : write(STDERR_FILENO, fpe, sizeof fpe - 1);

    (void)n;
    abort();
}

/* signal(2) without an alternate stack, as in Fluent Bit: Go requires one. */
static void signals_install(void)
{
    signal(SIGINT, on_stop);
    signal(SIGQUIT, on_stop);
    signal(SIGTERM, on_stop);
    signal(SIGHUP, on_hup);
    signal(SIGCONT, on_hup);
    signal(SIGSEGV, on_fault);
    signal(SIGFPE, on_fault);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- the run ---- */

static struct proxy *load(int hot_reloading)
{
    struct proxy *loaded = proxy_load(plugin_path, hot_reloading);

    if (loaded != NULL && opts.twice) {
        proxy_load_again(plugin_path, hot_reloading);
    }
    return loaded;
}

/* Loads a library besides the plugin. */
static bool load_beside(const char *path)
{
    void *handle = path != NULL ? dlopen(path, RTLD_NOW) : NULL;

    if (path != NULL && handle == NULL) {
        host_log(LOG_ERROR, "[proxy] error opening %s: '%s'", path, dlerror());
    }
    return path == NULL || handle != NULL;
}

/* Reports whether the plugin restores the handlers that signals_install replaces. */
static bool handlers_back(void)
{
    struct sigaction now;

    for (int ms = 0; ms < 10000; ms++) {
        if (sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler != on_fault) {
            return true;
        }
        sleep_ms(1);
    }
    return false;
}

/* Checks the runtime of each library: it recovers from a fault, or the process ends. */
static bool beside_works(const char *path)
{
    void *handle = path != NULL ? dlopen(path, RTLD_NOW | RTLD_NOLOAD) : NULL;
    int (*probe)(void) = NULL;

    if (path == NULL) {
        return true;
    }
    *(void **)&probe = handle != NULL ? dlsym(handle, "Probe") : NULL;
    return probe != NULL && handlers_back() && probe() == 1;
}

/*
 * The new library is loaded and registered while the old engine is running. Then
 * the old engine ends, and then the new instances start.
 */
static int reload(void)
{
    struct proxy *new_proxy;
    struct engine *new_engine;

    host_log(LOG_INFO, "[reload] reloading");
    new_proxy = load(1);
    if (new_proxy == NULL) {
        host_log(LOG_ERROR, "[reload] Reloading is halted");
        totals.register_faults++;
        return 0;
    }
    totals.reloads++;
    new_engine = engine_create(new_proxy);
    engine_stop(engine, 1);
    engine_free(engine);
    proxy_unload(proxy);
    proxy = new_proxy;
    engine = new_engine;
    if (engine == NULL || engine_start(engine) == -1) {
        host_log(LOG_ERROR, "[reload] loaded configuration contains error(s). Reloading is aborted");
        return -1;
    }
    return 0;
}

struct run {
    uint64_t start;
    int next; /* action */
    bool ending, pausing, refused;
};

static void act(struct run *run, const struct action *a)
{
    switch (a->kind) {
    case ACTION_PAUSE:
        engine_command(engine, CMD_PAUSE, a->index);
        break;
    case ACTION_RESUME:
        engine_command(engine, CMD_RESUME, a->index);
        break;
    case ACTION_RELOAD:
        run->refused = reload() == -1;
        break;
    case ACTION_HUP:
        signals_install();
        break;
    case ACTION_CONT: {
        struct sigaction now;

        raise(SIGCONT);
        totals.exposed += sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == on_fault;
        break;
    }
    case ACTION_EXIT:
        run->ending = true;
        break;
    }
}

static double elapsed(const struct run *run)
{
    return (double)(now_ns() - run->start) / 1e9;
}

/* Reads notices from the engine and the signal handlers. */
static void listen(struct run *run, int timeout_ms)
{
    struct pollfd pfd = {.fd = notices[0], .events = POLLIN};
    char bytes[64];
    ssize_t n;

    if (poll(&pfd, 1, timeout_ms) <= 0) {
        return;
    }
    n = read(notices[0], bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++) {
        switch (bytes[i]) {
        case NOTICE_STOP:
        case NOTICE_RECORDS:
        case NOTICE_COLLECTS:
        case NOTICE_BROKEN:
            run->ending = true;
            break;
        case NOTICE_RELOAD:
            run->refused = reload() == -1 || run->refused;
            break;
        case NOTICE_PAUSES:
            run->pausing = false;
            break;
        }
    }
}

/* Milliseconds until the next timed action, or -1 for never. */
static int until_next(const struct run *run)
{
    double next = opts.seconds > 0 ? opts.seconds : INFINITY, left;

    if (run->next < n_actions && actions[run->next].at < next) {
        next = actions[run->next].at;
    }
    if (isinf(next)) {
        return -1;
    }
    left = (next - elapsed(run)) * 1000;
    return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

static bool has_end(void)
{
    for (int i = 0; i < n_actions; i++) {
        if (actions[i].kind == ACTION_EXIT) {
            return true;
        }
    }
    return opts.seconds > 0 || opts.records > 0 || opts.collects > 0;
}

static bool over(const struct run *run)
{
    return run->ending || run->refused;
}

/* Runs until the end. Returns false if a reload fails. */
static bool control(void)
{
    struct run run = {.start = now_ns()};

    for (long i = 0; i < opts.reloads && !over(&run); i++) {
        run.refused = reload() == -1;
        listen(&run, 0);
    }
    if (opts.pauses > 0 && !over(&run)) {
        engine_command(engine, CMD_PAUSES, (int)opts.pauses);
        run.pausing = true;
    }
    while (!over(&run)) {
        while (run.next < n_actions && actions[run.next].at <= elapsed(&run) && !over(&run)) {
            act(&run, &actions[run.next++]);
        }
        if (opts.seconds > 0 && elapsed(&run) >= opts.seconds) {
            run.ending = true;
        }
        if (!run.pausing && (opts.reloads > 0 || opts.pauses > 0) && !has_end() &&
            run.next == n_actions) {
            run.ending = true;
        }
        if (!over(&run)) {
            listen(&run, until_next(&run));
        }
    }
    return !run.refused;
}

static void print_metrics(void)
{
    for (int i = 0; engine != NULL && i < engine->n; i++) {
        char *text = metrics_text(engine->instances[i]->cmt);

        fputs(text, stderr);
        sds_free(text);
    }
}

/* Runs the registered plugin, and returns the exit code so far. */
static int run(void)
{
    int code = EXIT_FINE;

    engine = engine_create(proxy);
    if (engine == NULL || engine_start(engine) == -1) {
        code = EXIT_REFUSED;
    }
    else if (!control()) {
        code = EXIT_REFUSED;
    }
    else {
        if (!beside_works(opts.before) || !beside_works(opts.after)) {
            host_log(LOG_ERROR, "[contract] a library beside the plugin has stopped working");
            totals.register_faults++;
        }
        engine_stop(engine, 0);
    }
    if (opts.metrics) {
        print_metrics();
    }
    if (engine != NULL) {
        engine_free(engine);
    }
    proxy_unload(proxy);
    return code;
}

static bool names_fit(void)
{
    for (int i = 0; i < opts.n; i++) {
        const char *name = opts.instances[i].name;

        if (name != NULL && strcasecmp(name, proxy_name(proxy)) != 0) {
            fprintf(stderr, "flbhost: -i '%s': the plugin's name is '%s'\n", name,
                    proxy_name(proxy));
            return false;
        }
    }
    return true;
}

/* Forks, as -d does after the plugins are loaded. The parent waits and forwards signals. */
static int daemonize(void)
{
    int status;
    pid_t pid = fork();

    if (pid == -1) {
        perror("flbhost: fork");
        exit(EXIT_REFUSED);
    }
    if (pid == 0) {
        umask(0);
        setsid();
        if (chdir("/") == -1) {
            perror("flbhost: chdir");
        }
        host_log(LOG_INFO, "switching to background mode (PID=%ld)", (long)getpid());
        return 0;
    }
    child = pid;
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int show_options(void)
{
    if (!POSE_DEF_CONFIG_MAP || proxy_config_map(proxy) == NULL) {
        fprintf(stderr, "flbhost: %s\n", POSE_DEF_CONFIG_MAP
                                             ? "the plugin has no config map"
                                             : "this release has no config maps for Go plugins");
        return EXIT_USAGE;
    }
    config_map_print(proxy_config_map(proxy), proxy_name(proxy), proxy->def->description);
    return EXIT_FINE;
}

static int host(FILE *report)
{
    int code;

    plugin_path = realpath(opts.plugin, NULL); /* --daemon changes the directory */
    proxy = load_beside(opts.before) ? load(0) : NULL;
    if (proxy == NULL || !load_beside(opts.after)) {
        code = EXIT_REFUSED;
    }
    else if (!names_fit()) {
        proxy_unload(proxy);
        return EXIT_USAGE;
    }
    else if (opts.list_options) {
        code = show_options();
        proxy_unload(proxy);
        return code;
    }
    else {
        if (opts.daemon) {
            daemonize();
        }
        code = run();
    }
    output_close();
    report_explain();
    if (code == EXIT_FINE) {
        code = report_verdict();
    }
    if (report != NULL) {
        report_write(report, code);
    }
    return code;
}

int main(int argc, char **argv)
{
    FILE *report = NULL;
    int code = options_parse(argc, argv);

    if (code != 0) {
        options_free();
        return code == 1 ? EXIT_FINE : EXIT_USAGE;
    }
    if (opts.ballast_mb > 0) {
        size_t size = (size_t)opts.ballast_mb << 20;

        ballast = malloc(size);
        if (ballast != NULL) {
            memset(ballast, 1, size);
        }
    }
    if (opts.script != NULL) {
        n_actions = script_parse(opts.script, &actions);
    }
    all_stats = calloc((size_t)opts.n, sizeof *all_stats);
    if (n_actions == -1 || output_open(opts.output, opts.n) == -1) {
        return EXIT_USAGE;
    }
    if (opts.report != NULL) {
        report = strcmp(opts.report, "-") == 0 ? stdout : fopen(opts.report, "w");
        if (report == NULL) {
            fprintf(stderr, "flbhost: --report %s: %s\n", opts.report, strerror(errno));
            return EXIT_USAGE;
        }
    }
    if (pipe2(notices, O_CLOEXEC) == -1) {
        perror("flbhost: pipe");
        return EXIT_REFUSED;
    }
    signals_install();
    code = host(report);
    if (report != NULL && report != stdout) {
        fclose(report);
    }
    instances_free();
    free(plugin_path);
    free(ballast);
    free(actions);
    free(all_stats);
    options_free();
    return code;
}
