"""`metrics` as a process: scraped over HTTP on real Kafka, and `up` goes to 0 when the cluster dies."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from watermaster.cli.metrics import parse_address
from watermaster.stream.fault import UsageFault
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until


@pytest.mark.kafka
def test_scrapes_while_the_cluster_lives_and_after_it_has_died(tmp_path: Path) -> None:
    config = tmp_path / "watermaster.yaml"
    with KafkaCluster() as kafka:
        kafka.create_topic("orders")
        producer = Producer(kafka.client_config())
        for _ in range(5):
            producer.produce("orders", b"record", partition=0)
        assert producer.flush(30) == 0
        consumer = Consumer(kafka.client_config(**{"group.id": "readers", "enable.auto.commit": False}))

        def commit() -> bool:
            try:
                consumer.commit(offsets=[TopicPartition("orders", 0, 2)], asynchronous=False)
            except KafkaException:
                return False  # a coordinator that has just started is still loading
            return True

        wait_until(commit, "the group has a position", 60)
        consumer.close()
        config.write_text(f"clusters:\n  primary:\n    bootstrap: {kafka.bootstrap}\n")
        command = [sys.executable, "-m", "watermaster", "metrics", "--listen", "127.0.0.1:0", "--every", "1"]
        process = subprocess.Popen([*command, "--config", str(config)], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split("/")[2]

            def scrape() -> dict[str, float]:
                connection = http.client.HTTPConnection(address, timeout=30)
                connection.request("GET", "/metrics")
                text = connection.getresponse().read().decode()
                connection.close()
                return {s.name: s.value for f in text_string_to_metric_families(text) for s in f.samples}

            found = wait_until(
                lambda: seen if (seen := scrape()).get("watermaster_cluster_up") else None, "the first look", 60
            )
            assert found["kafka_consumergroup_lag"] == 3
            assert found["watermaster_loss_horizon_seconds"] > 0
            for broker in kafka.brokers:
                broker.kill()
            wait_until(lambda: scrape()["watermaster_cluster_up"] == 0, "the cluster is down", 90)
            assert "kafka_consumergroup_lag" not in scrape()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.mark.parametrize("text", ["", "9465", ":9465", "127.0.0.1:x", "127.0.0.1:99999"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(UsageFault):
        parse_address(text)


def test_addresses() -> None:
    assert parse_address("[::1]:9465") == ("::1", 9465)
