using Workflow.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]
