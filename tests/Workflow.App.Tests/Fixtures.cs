using Workflow.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
