using Workflow.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

// Most tests wait for the database or for a clock, not for a processor.
[assembly: CollectionBehavior(MaxParallelThreads = 8)]
