-- Which events oVirt's users want to be told of. A user is the UUID that the API shows, so nobody need have an account here.
CREATE TABLE ovirt_subscriptions (
    user    TEXT NOT NULL,
    event   TEXT NOT NULL,  -- as the API names it, which is also the subscription's id
    method  TEXT NOT NULL CHECK (method IN ('smtp', 'snmp')),
    address TEXT NOT NULL,  -- '' where none was given
    PRIMARY KEY (user, event)
) STRICT, WITHOUT ROWID;
