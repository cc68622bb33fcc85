using Payments.Core;

namespace Payments.Platform.Http;

/// <summary>Modes as paths and columns spell them.</summary>
public static class ModeNames
{
    public static string Of(Mode mode) => mode == Mode.Live ? "live" : "test";

    public static bool TryParse(string? text, out Mode mode)
    {
        mode = text == "live" ? Mode.Live : Mode.Test;
        return text is "live" or "test";
    }
}
