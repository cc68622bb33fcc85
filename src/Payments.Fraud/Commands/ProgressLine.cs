namespace Payments.Fraud.Commands;

/// <summary>Tells on standard error how far a command is: one line that renews itself on a terminal, otherwise a line per quarter.</summary>
internal sealed class ProgressLine(TextWriter writer, bool terminal, string what)
{
    private int told = -1;

    public static ProgressLine OnError(string what) => new(Console.Error, !Console.IsErrorRedirected, what);

    public void Report(double done)
    {
        var percent = (int)(100 * Math.Clamp(done, 0, 1));
        if (percent == told || (!terminal && percent / 25 == told / 25 && told >= 0))
        {
            return;
        }

        told = percent;
        if (terminal)
        {
            writer.Write($"\r{what}: {percent} %{(percent == 100 ? Environment.NewLine : string.Empty)}");
        }
        else
        {
            writer.WriteLine($"{what}: {percent} %");
        }
    }
}
