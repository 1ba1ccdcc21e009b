/* SPDX-License-Identifier: MIT */
/* All of butter. */
#ifndef BUTTER_BUTTER_H
#define BUTTER_BUTTER_H

#include <butter/common.h>
#include <butter/epoll.h>
#include <butter/ev.h>
#include <butter/event.h>
#include <butter/eventfd.h>
#include <butter/fanotify.h>
#include <butter/file.h>
#include <butter/host.h>
#include <butter/ids.h>
#include <butter/inotify.h>
#include <butter/loop.h>
#include <butter/mount.h>
#include <butter/namespace.h>
#include <butter/pidfd.h>
#include <butter/process.h>
#include <butter/queue.h>
#include <butter/seccomp.h>
#include <butter/signalfd.h>
#include <butter/source.h>
#include <butter/splice.h>
#include <butter/timerfd.h>
#include <butter/tree.h>

#endif
