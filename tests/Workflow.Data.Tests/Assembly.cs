using Workflow.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
[assembly: AssemblyFixture(typeof(MariaDbFixture))]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]
