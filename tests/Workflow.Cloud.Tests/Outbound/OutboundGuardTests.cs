using System.Net;
using System.Net.Sockets;
using Workflow.Cloud.Outbound;

namespace Workflow.Cloud.Tests.Outbound;

public sealed class OutboundGuardTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public OutboundGuardTests() => _listener.Start();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("127.0.0.1")]
    [InlineData("127.8.8.8")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("169.254.170.2")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::169.254.169.254")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("2002:a9fe:a9fe::1")]
    [InlineData("100.100.100.200")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("ff02::1")]
    public void An_address_of_this_machine_a_private_network_or_a_cloud_s_metadata_is_closed(string address) =>
        Assert.NotNull(OutboundGuard.WhatIs(IPAddress.Parse(address)));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("169.253.255.255")]
    [InlineData("192.167.255.255")]
    [InlineData("::ffff:1.1.1.1")]
    [InlineData("64:ff9b::101:101")]
    [InlineData("2606:4700::1111")]
    public void A_public_address_is_open(string address) => Assert.Null(OutboundGuard.WhatIs(IPAddress.Parse(address)));

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("2130706433")]
    [InlineData("0x7f.1")]
    public async Task Nothing_is_sent_to_this_machine_however_it_is_written(string host)
    {
        using var http = new HttpClient(new OutboundGuard([], () => []).CreateHandler());

        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(new Uri($"http://{host}:{Port}/"), Cancellation));

        Assert.IsType<OutboundRefusedException>(refused.InnerException);
        Assert.Contains("this machine, and nothing is sent there. If that is meant, add", refused.Message, StringComparison.Ordinal);
        Assert.False(_listener.Pending());
    }

    [Theory]
    [InlineData("localhost", "localhost")]
    [InlineData("LOCALHOST", "localhost")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.0/8", "localhost")]
    public async Task What_is_allowed_is_reached(string allowed, string host)
    {
        var addresses = await new OutboundGuard([allowed, "::1"], () => []).CheckAsync(host, Port, Cancellation);

        Assert.NotEmpty(addresses);
    }

    [Theory]
    [InlineData("*.internal.example", "169.254.169.254")]
    [InlineData("local", "localhost")]
    [InlineData("10.0.0.0/8", "127.0.0.1")]
    public async Task What_is_allowed_is_no_more_than_it_says(string allowed, string host) =>
        await Assert.ThrowsAsync<OutboundRefusedException>(() => new OutboundGuard([allowed], () => []).CheckAsync(host, Port, Cancellation));

    [Fact]
    public async Task The_service_s_own_stand_ins_are_reached_and_its_neighbours_are_not()
    {
        var guard = new OutboundGuard([], () => [new Uri($"http://127.0.0.1:{Port}")]);

        Assert.NotEmpty(await guard.CheckAsync("127.0.0.1", Port, Cancellation));
        await Assert.ThrowsAsync<OutboundRefusedException>(() => guard.CheckAsync("127.0.0.1", Port + 1, Cancellation));
    }

    [Theory]
    [InlineData("10.1.2.3")]
    [InlineData("172.16.0.1")]
    [InlineData("192.168.1.1")]
    [InlineData("100.64.0.1")]
    [InlineData("fd12::1")]
    public async Task A_service_that_proves_itself_may_be_in_a_private_network(string host)
    {
        var guard = new OutboundGuard([], () => []);

        Assert.NotEmpty(await guard.CheckServiceAsync(host, 443, named: null, isProven: true, Cancellation));
        await Assert.ThrowsAsync<OutboundRefusedException>(() => guard.CheckServiceAsync(host, 443, named: null, isProven: false, Cancellation));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("fd00:ec2::254")]
    public async Task But_not_on_this_machine_or_where_credentials_are_kept(string host) =>
        await Assert.ThrowsAsync<OutboundRefusedException>(() => new OutboundGuard([], () => []).CheckServiceAsync(host, 443, named: null, isProven: true, Cancellation));

    [Theory]
    [InlineData("http://127.0.0.1:4566", "127.0.0.1", 4566, true)]
    [InlineData("http://localhost:4566", "localhost", 4566, true)]
    [InlineData("http://localhost:4566", "127.0.0.1", 4567, false)]
    [InlineData("http://minio.internal:4566", "127.0.0.1", 4566, false)]
    [InlineData("http://169.254.169.254", "169.254.169.254", 80, false)]
    [InlineData("http://10.0.0.1", "10.0.0.1", 80, false)]
    public async Task An_endpoint_of_the_settings_is_reached_on_this_machine_where_it_says_so(string named, string host, int port, bool isReached)
    {
        var refused = await Record.ExceptionAsync(() => new OutboundGuard([], () => []).CheckServiceAsync(host, port, new(named), isProven: false, Cancellation));

        Assert.Equal(isReached ? null : typeof(OutboundRefusedException), refused?.GetType());
    }

    [Theory]
    [InlineData("10.1.2.3", "10.0.0.0/8", true)]
    [InlineData("10.1.2.3", "*.rds.amazonaws.com", false)]
    [InlineData("localhost", "localhost", true)]
    [InlineData("127.0.0.1", "10.0.0.0/8", false)]
    [InlineData("1.1.1.1", "x", true)]
    [InlineData("169.254.169.254", "169.254.169.254", false)]
    [InlineData("169.254.169.254", "0.0.0.0/0", false)]
    [InlineData("::ffff:169.254.169.254", "0.0.0.0/0", false)]
    [InlineData("fe80::1", "fe80::/10", false)]
    [InlineData("168.63.129.16", "168.63.129.16", false)]
    public async Task A_database_that_data_names_is_where_it_is_allowed_and_never_where_credentials_are_kept(string host, string allowed, bool isReached)
    {
        var refused = await Record.ExceptionAsync(() => new OutboundGuard([allowed], () => []).CheckDatabaseAsync(host, 5432, Cancellation));

        Assert.Equal(isReached ? null : typeof(OutboundRefusedException), refused?.GetType());
    }

    [Fact]
    public async Task The_embedded_database_is_the_service_s_own() =>
        Assert.NotEmpty(await new OutboundGuard([], () => [new("postgres://127.0.0.1:5433")]).CheckDatabaseAsync("127.0.0.1", 5433, Cancellation));

    [Theory]
    [InlineData("127.0.0.1", null)]
    [InlineData("10.1.2.3", null)]
    [InlineData("fd12::1", null)]
    [InlineData("169.254.169.254", "No database is there: write where it is.")]
    [InlineData("fd00:ec2::254", "No database is there: write where it is.")]
    public async Task A_database_of_the_settings_may_be_in_a_private_network_and_not_where_credentials_are_kept(string host, string? says)
    {
        var refused = await Record.ExceptionAsync(() => OutboundGuard.CheckDatabaseOfSettingsAsync(host, Cancellation));

        Assert.Equal(says is null, refused is null);
        Assert.Contains(says ?? "", refused?.Message ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_to_a_closed_address_leads_nowhere()
    {
        using var http = new HttpClient(new OutboundGuard(["127.0.0.1"], () => []).CreateHandler());
        var answering = AnswerAsync("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\nContent-Length: 0\r\n\r\n");

        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(new Uri($"http://127.0.0.1:{Port}/"), Cancellation));

        await answering;
        Assert.Contains("credentials of their machines", refused.Message, StringComparison.Ordinal);
    }

    private async Task AnswerAsync(string answer)
    {
        using var caller = await _listener.AcceptTcpClientAsync(Cancellation);
        await using var stream = caller.GetStream();
        _ = await stream.ReadAsync(new byte[4096], Cancellation);
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer), Cancellation);
    }
}
