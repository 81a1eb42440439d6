using Workflow.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
[assembly: AssemblyFixture(typeof(DynamoDbFixture))]
[assembly: AssemblyFixture(typeof(RadosFixture))]
[assembly: AssemblyFixture(typeof(MariaDbFixture))]
[assembly: AssemblyFixture(typeof(AzuriteFixture))]
[assembly: AssemblyFixture(typeof(S3Fixture))]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]
