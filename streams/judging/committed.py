"""Faust's Kafka transport, made to read what is committed alone, in partitions that go together.

What Faust does by itself: an app that is at-least-once reads records of transactions that are open
or were aborted, and one without tables deals partitions out round-robin, so that the verdicts of
an item may be read by another process than its profile.
"""

import aiokafka
import faust
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types.transports import TransportT


class _ConsumerThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._partition_assignment_strategy = (RangePartitionAssignor,)
        return consumer


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _Transport(Transport):
    Consumer = _Consumer


class CommittedApp(faust.App):
    """A Faust app that reads what is committed alone; one process has a number of all topics."""

    def _new_transport(self) -> TransportT:
        return _Transport(self.conf.broker_consumer, self)
