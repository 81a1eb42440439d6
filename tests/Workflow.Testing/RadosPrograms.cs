using System.Text;
using Workflow.Cloud.Local;

namespace Workflow.Testing;

/// <summary>Ceph's servers: those in the local parts, or the machine's own.</summary>
/// <param name="Root">Where <c>usr</c> is.</param>
internal sealed record RadosPrograms(string Root)
{
    /// <exception cref="LocalPartMissingException">Neither is there.</exception>
    public static RadosPrograms Find()
    {
        var unpacked = Path.Combine(LocalParts.Folder, "radosgw");
        return new[] { unpacked, "/" }.Select(root => new RadosPrograms(root)).FirstOrDefault(programs => File.Exists(programs.Program("radosgw")) && File.Exists(programs.Program("ceph-osd")))
            ?? throw new LocalPartMissingException($"Ceph's S3 server is neither in {unpacked} nor in /usr/bin: ./test fetches it where there is apt; elsewhere install radosgw, ceph-mon and ceph-osd.");
    }

    public string Program(string name) => Path.Combine(Root, "usr", "bin", name);

    /// <summary>Where the loader finds them, and the libraries that the machine may lack.</summary>
    public string Libraries => string.Join(':', Folders.SelectMany(folder => new[] { folder, Path.Combine(folder, "ceph") }));

    /// <summary>One monitor, one store in memory and the gateway, all on loopback, and as little waiting and writing as they can do with.</summary>
    public string Configuration(string folder, int monitorPort, int gatewayPort) => new StringBuilder()
        .AppendLine("[global]")
        .AppendLine($"fsid = {RadosCluster.Id}")
        .AppendLine($"mon host = v2:127.0.0.1:{monitorPort}")
        .AppendLine("public addr = 127.0.0.1\ncluster addr = 127.0.0.1")
        // Who may reach the monitor may do everything; the gateway's S3 signatures are another matter. It would insist on encryption, which needs keys.
        .AppendLine("auth cluster required = none\nauth service required = none\nauth client required = none\nms mon client mode = crc")
        .AppendLine($"keyring = {folder}/keyring\nrun dir = {folder}\nadmin socket =\nlog file = {folder}/$name.log\nmon cluster log file = {folder}/cluster.log\nlog to stderr = false\nerr to stderr = true")
        .AppendLine($"mon data = {folder}/mon\nosd data = {folder}/osd\nrgw data = {folder}")
        .AppendLine($"plugin dir = {Plugins("ceph")}\nerasure code dir = {Plugins("ceph/erasure-code")}\nosd class dir = {Plugins("rados-classes")}")
        .AppendLine("osd objectstore = memstore\nmemstore device bytes = 4294967296")
        .AppendLine("osd pool default size = 1\nosd pool default min size = 1\nosd pool default pg num = 1\nosd pool default pg autoscale mode = off\nosd crush chooseleaf type = 0\nmon max pg per osd = 1000")
        .AppendLine("paxos propose interval = 0.05\npaxos min wait = 0.01\nmon data avail warn = 1\nmon data avail crit = 1")
        .AppendLine($"rgw frontends = beast endpoint=127.0.0.1:{gatewayPort}")
        .AppendLine("rgw enable gc threads = false\nrgw enable lc threads = false\nrgw enable quota threads = false\nrgw run sync thread = false\nrgw override bucket index max shards = 1\nrgw dynamic resharding = false")
        .AppendLine($"rgw max listing results = {RadosFixture.ListingPage}")
        .ToString();

    private IEnumerable<string> Folders => new[] { "usr/lib", "lib" }
        .Select(folder => Path.Combine(Root, folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.GetDirectories(folder, "*-linux-*"));

    private string Plugins(string name) => Folders.Select(folder => Path.Combine(folder, name)).First(Directory.Exists);
}
