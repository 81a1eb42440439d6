using Workflow.App.Commands;

namespace Workflow.App.Tests.Commands;

public sealed class ConnectionCommandTests
{
    [Fact]
    public void As_a_URI_the_connection_string_keeps_all_its_parts()
    {
        var uri = ConnectionCommand.ToUri("Host=127.0.0.1;Port=5433;Username=a b;Password=p@ss/w:ord;Database=data");

        Assert.Equal("postgresql://a%20b:p%40ss%2Fw%3Aord@127.0.0.1:5433/data", uri);
    }

    [Fact]
    public void Without_a_password_there_is_none_in_the_URI() =>
        Assert.Equal("postgresql://me@db:5432/data", ConnectionCommand.ToUri("Host=db;Username=me;Database=data"));
}
