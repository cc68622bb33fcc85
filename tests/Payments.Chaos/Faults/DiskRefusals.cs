using System.Text;

namespace Payments.Chaos.Faults;

/// <summary>Reads in PostgreSQL's log, from where it ended when this was made, whether a write was refused for want of room.</summary>
internal sealed class DiskRefusals(string log)
{
    private const string Refusal = "No space left on device";
    private readonly long from = File.Exists(log) ? new FileInfo(log).Length : 0;

    public bool HaveGrown()
    {
        if (!File.Exists(log))
        {
            return false;
        }

        using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(Math.Min(from, file.Length), SeekOrigin.Begin);
        using var reader = new StreamReader(file, Encoding.UTF8);
        return reader.ReadToEnd().Contains(Refusal, StringComparison.Ordinal);
    }
}
