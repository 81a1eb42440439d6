using Workflow.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
[assembly: AssemblyFixture(typeof(S3Fixture))]
[assembly: AssemblyFixture(typeof(RadosFixture))]
[assembly: AssemblyFixture(typeof(DynamoDbFixture))]
[assembly: AssemblyFixture(typeof(AzuriteFixture))]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]
