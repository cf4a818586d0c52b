"""Kafka, through confluent-kafka: the only folder that imports the client.

A client is made in three steps: `client_properties` reads what the user's file says of security (an allow-list of
keys, secrets wrapped at once), `connection` adds safe defaults and refuses what would leave the machine open,
`connect_check` makes first contact and says in one sentence what is wrong. Errors become faults in `faults` alone.
`observation` looks without being seen: manual assignment, no group, no commit, a byte budget.
"""
