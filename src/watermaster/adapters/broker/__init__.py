"""A broker to try things out on, and the source and topics of the demonstration.

The embedded broker speaks enough of Kafka's protocol for the gate, on loopback, in memory, without a login. It is for
seeing what the product does; what the product promises is tested on real Apache Kafka.
"""
