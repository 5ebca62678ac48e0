//! Messages of any content, for property tests.

use mqtypes::broker::{Notification, Request, StatusReport, Subscribe, SummaryReport, Topic};
use mqtypes::command::{Action, Command, CommandOutcome, EchoFigures, OutcomeState, RoundTrip, Target};
use mqtypes::count::Count;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::health::{Dropped, ProcessHealth};
use mqtypes::ids::{Asn, BootId, Eui64, Generation, PortName, RequestId, Who, WriteId};
use mqtypes::log::{Coded, MoteLog, Severity};
use mqtypes::mesh::{DagEntry, MoteData, UinjectLayout, UinjectReport};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::serial::{
    Direction, FaultCount, FrameFault, FrameToMote, LineBytes, MAX_LINE_BYTES, PortCounters, PortReport, PortState, ReceivedFrame,
    SerialCommand, SerialNotification, WriteEnd, WriteReport,
};
use mqtypes::status::{
    Address, Backoff, Element, IdManager, IsSync, MacStats, Msf, MyDagRank, NeighborsRow, OutputBuffer, ParentLink, Prr, QueueEntry,
    QueueFill, ScheduleRow, Summary, TableFill,
};
use mqtypes::wake::ProxyRequest;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

pub fn envelope() -> impl Strategy<Value = Envelope> {
    (sender(), any::<u32>(), any::<u64>(), mono()).prop_map(|(sender, boot, seq, sent)| Envelope { sender, boot: BootId(boot), seq, sent })
}

pub fn proxy_request() -> impl Strategy<Value = ProxyRequest> {
    let wake = option::of(any::<u16>()).prop_map(|port| ProxyRequest::Wake { port });
    let tell = ".{0,40}".prop_map(|reply| ProxyRequest::TellHealth { reply });
    prop_oneof![wake, tell]
}

pub fn serial_command() -> impl Strategy<Value = SerialCommand> {
    let write =
        (any::<u64>(), port(), any::<u32>(), mono(), vec(any::<u8>(), 0..200)).prop_map(|(id, port, generation, deadline, payload)| {
            SerialCommand::Write(FrameToMote { id: WriteId(id), port, generation: Generation(generation), deadline, payload })
        });
    let pass = mono().prop_map(|until| SerialCommand::PassBytes { until });
    prop_oneof![4 => write, 1 => Just(SerialCommand::ReportPorts), 1 => Just(SerialCommand::ReportHealth), 1 => pass]
}

pub fn serial_notification() -> impl Strategy<Value = SerialNotification> {
    let ends = [WriteEnd::Written, WriteEnd::NoSuchPort, WriteEnd::PortDown, WriteEnd::Busy, WriteEnd::BadLength, WriteEnd::Expired];
    let write = (any::<u64>(), select(ends.to_vec())).prop_map(|(id, end)| SerialNotification::Write(WriteReport { id: WriteId(id), end }));
    let frame = (port(), any::<u32>(), mono(), vec(any::<u8>(), 0..1024)).prop_map(|(port, generation, heard, payload)| {
        SerialNotification::Frame(ReceivedFrame { port, generation: Generation(generation), heard, payload })
    });
    prop_oneof![
        port_report().prop_map(SerialNotification::Port),
        frame,
        write,
        health().prop_map(SerialNotification::Health),
        any::<u64>().prop_map(|frames| SerialNotification::Lost { frames }),
        line_bytes().prop_map(SerialNotification::Bytes),
    ]
}

pub fn request() -> impl Strategy<Value = Request> {
    let topics = [&Topic::ALL[..], &Topic::BY_NAME].concat();
    let most = topics.len();
    let subscribe = (text(), subsequence(topics, 0..=most), any::<u32>())
        .prop_map(|(reply, topics, lease_ms)| Request::Subscribe(Subscribe { reply, topics, lease_ms }));
    let target = prop_oneof![eui64().prop_map(Target::Mote), port().prop_map(Target::Port)];
    let action = prop_oneof![
        Just(Action::ToggleDagroot),
        any::<bool>().prop_map(|on| Action::SetDagroot { on }),
        Just(Action::Reset),
        any::<(u16, u8)>().prop_map(|(count, size)| Action::Echo { count, size }),
    ];
    let command = (any::<u64>(), text(), mono(), target, action)
        .prop_map(|(id, reply, deadline, target, action)| Request::Command(Command { id: RequestId(id), reply, deadline, target, action }));
    prop_oneof![subscribe, text().prop_map(|reply| Request::Unsubscribe { reply }), command, Just(Request::AskHealth)]
}

pub fn notification() -> impl Strategy<Value = Notification> {
    prop_oneof![
        Just(Notification::SnapshotBegin),
        Just(Notification::SnapshotEnd),
        mote_entry().prop_map(Notification::Mote),
        who().prop_map(Notification::MoteGone),
        (who(), mono(), element()).prop_map(|(who, heard, element)| Notification::Status(StatusReport { who, heard, element })),
        (text(), text(), any::<u64>()).prop_map(|(sender, signal, num)| Notification::Count(Count { sender, signal, num })),
        mote_log().prop_map(Notification::Log),
        outcome().prop_map(Notification::Outcome),
        health().prop_map(Notification::Health),
        vec(dropped(), 0..20).prop_map(|dropped| Notification::Gap { dropped }),
        Just(Notification::Started),
        (who(), mono(), summary()).prop_map(|(who, heard, summary)| Notification::Summary(SummaryReport { who, heard, summary })),
        port_report().prop_map(Notification::Port),
        mote_data().prop_map(Notification::Data),
        dag_entry().prop_map(Notification::Dag),
        eui64().prop_map(Notification::DagGone),
        uinject_report().prop_map(Notification::Uinject),
        line_bytes().prop_map(Notification::Bytes),
    ]
}

fn line_bytes() -> impl Strategy<Value = LineBytes> {
    let direction = select(vec![Direction::Rx, Direction::Tx]);
    (port(), any::<u32>(), direction, mono(), any::<u64>(), vec(any::<u8>(), 1..=MAX_LINE_BYTES)).prop_map(
        |(port, generation, direction, at, offset, bytes)| LineBytes {
            port,
            generation: Generation(generation),
            direction,
            at,
            offset,
            bytes,
        },
    )
}

fn outcome() -> impl Strategy<Value = CommandOutcome> {
    let states = [
        OutcomeState::Accepted,
        OutcomeState::Sent,
        OutcomeState::Confirmed,
        OutcomeState::TimedOut,
        OutcomeState::Refused,
        OutcomeState::Failed,
    ];
    let round_trip = any::<[u32; 3]>().prop_map(|[least_us, mean_us, most_us]| RoundTrip { least_us, mean_us, most_us });
    let echo = (any::<[u16; 4]>(), option::of(round_trip)).prop_map(|([sent, ok, corrupted, timed_out], round_trip)| EchoFigures {
        sent,
        ok,
        corrupted,
        timed_out,
        round_trip,
    });
    (any::<u64>(), select(states.to_vec()), text(), option::of(echo)).prop_map(|(id, state, detail, echo)| CommandOutcome {
        id: RequestId(id),
        state,
        detail,
        echo,
    })
}

fn port_report() -> impl Strategy<Value = PortReport> {
    let state = prop_oneof![
        text().prop_map(|cause| PortState::Down { cause }),
        Just(PortState::Probing),
        Just(PortState::Up),
        text().prop_map(|cause| PortState::Fault { cause }),
    ];
    let fault = (select(FrameFault::ALL.to_vec()), any::<u64>()).prop_map(|(fault, count)| FaultCount { fault, count });
    let counters = (any::<[u64; 8]>(), vec(fault, 0..=4)).prop_map(
        |([rx_bytes, rx_frames, tx_bytes, tx_frames, noise_bytes, stalls, forced_resumes, openings], faults)| PortCounters {
            rx_bytes,
            rx_frames,
            tx_bytes,
            tx_frames,
            noise_bytes,
            stalls,
            forced_resumes,
            openings,
            faults,
        },
    );
    (port(), any::<u32>(), state, mono(), any::<u32>(), counters).prop_map(|(port, generation, state, since, baud, counters)| PortReport {
        port,
        generation: Generation(generation),
        state,
        since,
        baud,
        counters,
    })
}

fn health() -> impl Strategy<Value = ProcessHealth> {
    (sender(), any::<[u32; 3]>(), any::<[u64; 3]>(), vec(dropped(), 0..20)).prop_map(
        |(process, [pid, inbox_depth, inbox_max], [uptime_ms, rss_kib, cpu_ms], dropped)| ProcessHealth {
            process,
            pid,
            uptime_ms,
            rss_kib,
            cpu_ms,
            inbox_depth,
            inbox_max,
            dropped,
        },
    )
}

fn mote_entry() -> impl Strategy<Value = MoteEntry> {
    let links = [Link::Probing, Link::Up, Link::Silent, Link::Down, Link::Fault];
    let boots = (option::of(mono()), any::<u32>(), option::of(mono()));
    let known = (option::of(eui64()), option::of(any::<u16>()), option::of(any::<bool>()), option::of(mono()), boots);
    (select(vec![Source::Serial, Source::Dao]), option::of(port()), select(links.to_vec()), text(), mono(), any::<u32>(), known).prop_map(
        |(source, port, link, cause, since, baud, (mote, id16, dagroot, last_heard, (first_heard, boots, booted)))| MoteEntry {
            source,
            port,
            link,
            cause,
            since,
            baud,
            mote,
            id16,
            dagroot,
            last_heard,
            first_heard,
            boots,
            booted,
        },
    )
}

fn mote_log() -> impl Strategy<Value = MoteLog> {
    let severities =
        [Severity::Verbose, Severity::Info, Severity::Warning, Severity::Success, Severity::Error, Severity::Critical, Severity::Printf];
    let coded = || (any::<u8>(), text()).prop_map(|(code, name)| Coded { code, name });
    (who(), mono(), select(severities.to_vec()), coded(), coded(), any::<[i32; 2]>(), text())
        .prop_map(|(who, heard, severity, component, error, args, text)| MoteLog { who, heard, severity, component, error, args, text })
}

fn element() -> impl Strategy<Value = Element> {
    let entry = any::<(u8, u8)>().prop_map(|(creator, owner)| QueueEntry { creator, owner });
    prop_oneof![
        any::<bool>().prop_map(|is_sync| Element::IsSync(IsSync { is_sync })),
        id_manager().prop_map(Element::IdManager),
        any::<u16>().prop_map(|rank| Element::MyDagRank(MyDagRank { rank })),
        any::<(u16, u16)>().prop_map(|(index_write, index_read)| Element::OutputBuffer(OutputBuffer { index_write, index_read })),
        asn().prop_map(Element::Asn),
        mac_stats().prop_map(Element::MacStats),
        schedule_row().prop_map(Element::ScheduleRow),
        any::<(u8, u8)>().prop_map(|(exponent, backoff)| Element::Backoff(Backoff { exponent, backoff })),
        vec(entry, 0..40).prop_map(Element::Queue),
        neighbors_row().prop_map(Element::NeighborsRow),
        any::<u16>().prop_map(Element::KaPeriod),
        asn().prop_map(Element::Joined),
        any::<(u8, u8)>().prop_map(|(num_cells_used_tx, num_cells_used_rx)| Element::Msf(Msf { num_cells_used_tx, num_cells_used_rx })),
        (any::<u8>(), vec(any::<u8>(), 0..1024)).prop_map(|(element, body)| Element::Unknown { element, body }),
    ]
}

fn summary() -> impl Strategy<Value = Summary> {
    let parent =
        (eui64(), any::<(i8, u8, u8)>()).prop_map(|(mote, (rssi, acked, sent))| ParentLink { mote, rssi, prr: Prr { acked, sent } });
    let fill = || any::<(u8, u16, Option<u16>)>().prop_map(|(used, heard, of)| TableFill { used, heard, of });
    let queue = any::<(u8, u8)>().prop_map(|(used, of)| QueueFill { used, of });
    (option::of(parent), fill(), fill(), option::of(queue)).prop_map(|(parent, neighbors, schedule, queue)| Summary {
        parent,
        neighbors,
        schedule,
        queue,
    })
}

fn mote_data() -> impl Strategy<Value = MoteData> {
    (who(), mono(), asn(), eui64(), eui64(), vec(any::<u8>(), 0..200)).prop_map(|(who, heard, asn, destination, source, lowpan)| MoteData {
        who,
        heard,
        asn,
        destination,
        source,
        lowpan,
    })
}

fn dag_entry() -> impl Strategy<Value = DagEntry> {
    let told = (vec(eui64(), 0..4), option::of(mono()), any::<Option<u8>>());
    (eui64(), eui64(), told, any::<[u8; 16]>(), mono(), any::<u64>()).prop_map(
        |(mote, root, (parents, dao_heard, hops), address, last_packet, packets)| DagEntry {
            mote,
            root,
            parents,
            dao_heard,
            hops,
            address,
            last_packet,
            packets,
        },
    )
}

fn uinject_report() -> impl Strategy<Value = UinjectReport> {
    let numbers = (any::<u16>(), any::<[u32; 5]>(), any::<Option<u32>>(), any::<u64>(), any::<[u8; 2]>());
    (eui64(), mono(), select(vec![UinjectLayout::NameFirst, UinjectLayout::NameLast]), numbers).prop_map(
        |(
            mote,
            heard,
            layout,
            (counter, [received, expected, latencies, tics_on, tics_total], latency, latency_sum, [tx_cells, rx_cells]),
        )| {
            UinjectReport {
                mote,
                heard,
                layout,
                counter,
                received,
                expected,
                latency,
                latency_sum,
                latencies,
                tx_cells,
                rx_cells,
                tics_on,
                tics_total,
            }
        },
    )
}

fn id_manager() -> impl Strategy<Value = IdManager> {
    (any::<bool>(), any::<u16>(), any::<u16>(), eui64(), any::<[u8; 8]>())
        .prop_map(|(is_dag_root, pan_id, id16, eui64, prefix)| IdManager { is_dag_root, pan_id, id16, eui64, prefix })
}

fn mac_stats() -> impl Strategy<Value = MacStats> {
    any::<([u8; 3], [i16; 2], [u32; 2])>().prop_map(
        |([num_sync_pkt, num_sync_ack, num_de_sync], [min_correction, max_correction], [num_tics_on, num_tics_total])| MacStats {
            num_sync_pkt,
            num_sync_ack,
            min_correction,
            max_correction,
            num_de_sync,
            num_tics_on,
            num_tics_total,
        },
    )
}

fn schedule_row() -> impl Strategy<Value = ScheduleRow> {
    (any::<[u8; 6]>(), any::<u16>(), any::<bool>(), address(), asn()).prop_map(
        |([row, cell_type, channel_offset, num_rx, num_tx, num_tx_ack], slot_offset, shared, neighbor, last_used_asn)| ScheduleRow {
            row,
            slot_offset,
            cell_type,
            shared,
            channel_offset,
            neighbor,
            num_rx,
            num_tx,
            num_tx_ack,
            last_used_asn,
        },
    )
}

fn neighbors_row() -> impl Strategy<Value = NeighborsRow> {
    let counts = any::<[u8; 4]>();
    let small = any::<[u8; 7]>();
    let flags = any::<[bool; 4]>();
    (counts, small, flags, option::of(any::<bool>()), address(), any::<u16>(), any::<i8>(), asn()).prop_map(
        |(
            [num_rx, num_tx, num_tx_ack, num_wraps],
            [row, parent_preference, switch_stability_counter, join_prio, sixtop_seq_num, backoff_exponent, backoff],
            [used, insecure, stable_neighbor, f6p_no_res],
            in_blacklist,
            addr,
            dag_rank,
            rssi,
            asn,
        )| NeighborsRow {
            row,
            used,
            insecure,
            parent_preference,
            stable_neighbor,
            switch_stability_counter,
            addr,
            dag_rank,
            rssi,
            num_rx,
            num_tx,
            num_tx_ack,
            num_wraps,
            asn,
            join_prio,
            f6p_no_res,
            in_blacklist,
            sixtop_seq_num,
            backoff_exponent,
            backoff,
        },
    )
}

fn sender() -> impl Strategy<Value = Sender> {
    select(vec![Sender::SerialBridge, Sender::Eventbus, Sender::UiProxy, Sender::Tool])
}

fn dropped() -> impl Strategy<Value = Dropped> {
    (text(), any::<u64>()).prop_map(|(reason, count)| Dropped { reason, count })
}

fn who() -> impl Strategy<Value = Who> {
    (option::of(eui64()), option::of(port())).prop_map(|(mote, port)| Who { mote, port })
}

fn eui64() -> impl Strategy<Value = Eui64> {
    any::<[u8; 8]>().prop_map(Eui64)
}

fn port() -> impl Strategy<Value = PortName> {
    text().prop_map(PortName)
}

fn mono() -> impl Strategy<Value = Mono> {
    any::<u64>().prop_map(Mono)
}

fn asn() -> impl Strategy<Value = Asn> {
    (0_u64..1 << 40).prop_map(Asn)
}

fn address() -> impl Strategy<Value = Address> {
    any::<(u8, [u8; 16])>().prop_map(|(kind, bytes)| Address { kind, bytes })
}

fn text() -> impl Strategy<Value = String> {
    "[ -~äß€😀]{0,24}"
}
