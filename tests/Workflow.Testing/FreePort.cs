using System.Net;
using System.Net.Sockets;

namespace Workflow.Testing;

public static class FreePort
{
    /// <summary>
    /// A loopback port nobody listens on now. Bind to port 0 instead wherever the server can tell which one it got.
    /// </summary>
    public static int Next()
    {
        // Below the range of outgoing connections, and by chance, so that test processes do not meet.
        while (true)
        {
            var port = Random.Shared.Next(15_000, 32_000);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                continue;
            }
        }
    }
}
