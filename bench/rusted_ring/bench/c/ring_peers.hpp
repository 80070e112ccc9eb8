/*
 * ring_peers.hpp - the core's ring and its peers in one shape, so that every work is written once.
 *
 *     add(event)  next(out)                one event of `payload` bytes copied in, or out; false: full, or nothing to read now
 *     add_many(events, n)  next_many(...)  where the peer has a bulk call: up to n events of 64 bytes that lie back to back;
 *                                          returns how many
 *     skipped()                            events that the reader missed
 *
 * add belongs to one thread and next to another. All hold the 64 bytes themselves, none a pointer to them; the peers know that
 * length when they are compiled, the core learns it when it runs.
 */
#ifndef BENCH_RING_PEERS_HPP
#define BENCH_RING_PEERS_HPP

#include <rusted_ring.h>

#include "common.hpp"
#include "shapes.hpp"

#ifdef BENCH_BOOST_SPSC
#include <boost/lockfree/spsc_queue.hpp>
#endif
#ifdef BENCH_CONCURRENTQUEUE
#include <concurrentqueue/concurrentqueue.h>
#endif
#ifdef BENCH_READERWRITERQUEUE
#include <readerwriterqueue/readerwriterqueue.h>
#endif
#ifdef BENCH_RTE_RING
#include <rte_config.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#endif
#ifdef BENCH_CK_RING
#include "ck_peer.h"
#endif

namespace bench {

/* An event as the peers hold it. */
struct Event {
    std::uint64_t words[8];
};
static_assert(sizeof(Event) == common_payload, "an event of the peers is a common payload");

inline const Event *events_at(const std::uint64_t *words)
{
    return reinterpret_cast<const Event *>(words);
}

inline Event *events_at(std::uint64_t *words)
{
    return reinterpret_cast<Event *>(words);
}

/* The core: calls of a library, lap-checked in an overwriting ring, and with a reader registered in a gated one. */
class NativeRing {
  public:
    static constexpr const char *peer = "native";
    static constexpr bool bulk = true;

    NativeRing(std::size_t payload, std::size_t capacity, rr_ring_mode mode, std::size_t readers = 1)
        : payload(run_time_value(payload)),
          ring(rr_ring_create(payload, capacity, mode, static_cast<std::uint32_t>(readers), UINT64_C(1) << 30, nullptr))
    {
        require(ring != nullptr, "no ring was made");
        writer = rr_writer_open(ring, nullptr);
        for (std::size_t i = 0; i < readers; ++i) {
            joined.push_back(rr_reader_join(ring, RR_OLDEST, 0, nullptr));
            require(joined[i] != nullptr, "a reader was not admitted");
        }
        require(writer != nullptr, "no writer was admitted");
    }
    NativeRing(const NativeRing &) = delete;
    NativeRing &operator=(const NativeRing &) = delete;
    ~NativeRing()
    {
        rr_writer_free(writer);
        for (rr_reader *reader : joined) {
            rr_reader_free(reader);
        }
        require(rr_ring_destroy(ring) == RR_OK, "a ring was still in use");
    }

    bool add(const std::uint64_t *event)
    {
        rr_status status = rr_writer_add(writer, event, payload, 1);
        require(status == RR_OK || status == RR_FULL, "an event was refused");
        return status == RR_OK;
    }
    std::size_t add_many(const std::uint64_t *events, std::size_t count)
    {
        std::size_t added = 0;
        rr_status status = rr_writer_add_many(writer, events, nullptr, static_cast<std::uint32_t>(payload), nullptr, 1, count,
                                              &added, nullptr);
        require(status == RR_OK || status == RR_FULL, "a batch was refused");
        return added;
    }
    bool next(std::uint64_t *out, std::size_t reader = 0)
    {
        rr_read read;
        rr_status status = rr_reader_next(joined[reader], out, payload, &read);
        require(status == RR_OK || status == RR_EMPTY || status == RR_LAGGED, "a reader was refused");
        return status == RR_OK;
    }
    std::size_t next_many(std::uint64_t *out, std::size_t count, std::size_t reader = 0)
    {
        std::uint32_t lengths[Source::period];
        std::uint32_t event_types[Source::period];
        rr_read read;
        rr_status status = rr_reader_next_many(joined[reader], count, out, count * payload, lengths, event_types, &read);
        require(status == RR_OK || status == RR_EMPTY || status == RR_LAGGED, "a reader was refused");
        return read.count;
    }
    std::uint8_t *reserve(std::size_t count)
    {
        std::size_t reserved = 0;
        std::uint8_t *slots = rr_writer_reserve(writer, count, &reserved, nullptr);
        require(reserved == count, "slots of an empty ring were not reserved");
        return slots;
    }
    void commit(std::size_t count)
    {
        rr_status status =
            rr_writer_commit(writer, nullptr, static_cast<std::uint32_t>(payload), nullptr, 1, count, nullptr);
        require(status == RR_OK, "a reservation was refused");
    }
    const std::uint8_t *peek(std::size_t count)
    {
        const std::uint8_t *slots = nullptr;
        rr_read read;
        rr_status status = rr_reader_peek(joined[0], count, &slots, &read);
        require(status == RR_OK && read.count == count, "events that were published are not there");
        return slots;
    }
    void release(std::size_t count)
    {
        require(rr_reader_release(joined[0], static_cast<std::uint32_t>(count)) == RR_OK, "a reader was refused");
    }
    std::uint64_t skipped(std::size_t reader = 0) const { return rr_reader_skipped(joined[reader]); }

  private:
    std::size_t payload;
    rr_ring *ring;
    rr_writer *writer;
    std::vector<rr_reader *> joined;
};

/* What the peers have in common: nothing is overwritten before it is read. */
struct Lossless {
    static constexpr bool bulk = false;
    std::size_t add_many(const std::uint64_t *, std::size_t) { fail("a bulk call that the peer does not have"); }
    std::size_t next_many(std::uint64_t *, std::size_t) { fail("a bulk call that the peer does not have"); }
    std::uint64_t skipped() const { return 0; }
};

#ifdef BENCH_CK_RING
/* Concurrency Kit: its typed ring, one producer and one consumer. Its header is C and not C++, so it is called as the core is,
 * through functions of another file. It has no bulk call. */
class CkRing : public Lossless {
  public:
    static constexpr const char *peer = "ck_ring";
    explicit CkRing(std::size_t capacity) : ring(ck_peer_create(static_cast<unsigned>(capacity)))
    {
        require(ring != nullptr, "no memory left");
    }
    CkRing(const CkRing &) = delete;
    CkRing &operator=(const CkRing &) = delete;
    ~CkRing() { ck_peer_destroy(ring); }
    bool add(const std::uint64_t *event) { return ck_peer_add(ring, event); }
    bool next(std::uint64_t *out) { return ck_peer_next(ring, out); }

  private:
    ck_peer *ring;
};
#endif

#ifdef BENCH_BOOST_SPSC
/* Boost.Lockfree: a queue of one producer and one consumer, its capacity known when it runs. */
class BoostSpsc : public Lossless {
  public:
    static constexpr const char *peer = "boost-spsc";
    static constexpr bool bulk = true;
    explicit BoostSpsc(std::size_t capacity) : queue(capacity) {}
    bool add(const std::uint64_t *event) { return queue.push(*events_at(event)); }
    bool next(std::uint64_t *out) { return queue.pop(*events_at(out)); }
    std::size_t add_many(const std::uint64_t *events, std::size_t count) { return queue.push(events_at(events), count); }
    std::size_t next_many(std::uint64_t *out, std::size_t count) { return queue.pop(events_at(out), count); }

  private:
    boost::lockfree::spsc_queue<Event> queue;
};
#endif

#ifdef BENCH_READERWRITERQUEUE
/* moodycamel's queue of one producer and one consumer; the try_ calls never allocate. It has no bulk call. */
class ReaderWriterQueue : public Lossless {
  public:
    static constexpr const char *peer = "readerwriterqueue";
    explicit ReaderWriterQueue(std::size_t capacity) : queue(capacity) {}
    bool add(const std::uint64_t *event) { return queue.try_enqueue(*events_at(event)); }
    bool next(std::uint64_t *out) { return queue.try_dequeue(*events_at(out)); }

  private:
    moodycamel::ReaderWriterQueue<Event> queue;
};
#endif

#ifdef BENCH_CONCURRENTQUEUE
/* moodycamel's queue of many, with the tokens that make it quickest; the try_ calls never allocate. */
class ConcurrentQueue : public Lossless {
  public:
    static constexpr const char *peer = "concurrentqueue";
    static constexpr bool bulk = true;
    explicit ConcurrentQueue(std::size_t capacity) : queue(capacity, 1, 0), producer(queue), consumer(queue) {}
    bool add(const std::uint64_t *event) { return queue.try_enqueue(producer, *events_at(event)); }
    bool next(std::uint64_t *out) { return queue.try_dequeue(consumer, *events_at(out)); }
    std::size_t add_many(const std::uint64_t *events, std::size_t count)
    {
        return queue.try_enqueue_bulk(producer, events_at(events), count) ? count : 0;
    }
    std::size_t next_many(std::uint64_t *out, std::size_t count)
    {
        return queue.try_dequeue_bulk(consumer, events_at(out), count);
    }

  private:
    moodycamel::ConcurrentQueue<Event> queue;
    moodycamel::ProducerToken producer;
    moodycamel::ConsumerToken consumer;
};
#endif

#ifdef BENCH_RTE_RING
/* DPDK: a ring of 64-byte elements on memory of its own, one producer and one consumer, without the environment (EAL). */
class RteRing : public Lossless {
  public:
    static constexpr const char *peer = "rte_ring";
    static constexpr bool bulk = true;
    explicit RteRing(std::size_t capacity)
    {
        /* one slot stays empty, as in ck_ring */
        unsigned count = static_cast<unsigned>(capacity);
        ssize_t bytes = rte_ring_get_memsize_elem(sizeof(Event), count);
        require(bytes > 0, "rte_ring_get_memsize_elem failed");
        memory = aligned_words(static_cast<std::size_t>(bytes) + RTE_CACHE_LINE_SIZE);
        ring = reinterpret_cast<rte_ring *>(memory.get());
        require(rte_ring_init(ring, "bench", count, RING_F_SP_ENQ | RING_F_SC_DEQ) == 0, "rte_ring_init failed");
    }
    bool add(const std::uint64_t *event)
    {
        /* the one call that takes what it only reads as not const */
        return rte_ring_sp_enqueue_elem(ring, const_cast<std::uint64_t *>(event), sizeof(Event)) == 0;
    }
    bool next(std::uint64_t *out) { return rte_ring_sc_dequeue_elem(ring, out, sizeof(Event)) == 0; }
    std::size_t add_many(const std::uint64_t *events, std::size_t count)
    {
        return rte_ring_sp_enqueue_burst_elem(ring, events, sizeof(Event), static_cast<unsigned>(count), nullptr);
    }
    std::size_t next_many(std::uint64_t *out, std::size_t count)
    {
        return rte_ring_sc_dequeue_burst_elem(ring, out, sizeof(Event), static_cast<unsigned>(count), nullptr);
    }

  private:
    Words memory{nullptr, std::free};
    rte_ring *ring;
};
#endif

/* Calls use.template of<Peer>() for every peer that was built. */
template <class Use> void for_each_ring_peer(Use use)
{
    (void)use;
#ifdef BENCH_CK_RING
    use.template of<CkRing>();
#endif
#ifdef BENCH_BOOST_SPSC
    use.template of<BoostSpsc>();
#endif
#ifdef BENCH_READERWRITERQUEUE
    use.template of<ReaderWriterQueue>();
#endif
#ifdef BENCH_CONCURRENTQUEUE
    use.template of<ConcurrentQueue>();
#endif
#ifdef BENCH_RTE_RING
    use.template of<RteRing>();
#endif
}

constexpr rr_ring_mode modes[] = {RR_OVERWRITE, RR_GATED};

inline const char *mode_name(rr_ring_mode mode)
{
    return mode == RR_OVERWRITE ? "overwrite" : "gated";
}

} // namespace bench

#endif
