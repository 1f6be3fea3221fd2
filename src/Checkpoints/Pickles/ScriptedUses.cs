using System.Globalization;

namespace Loadline.Checkpoints.Pickles;

/// <summary>What the pickles of a TorchScript archive make of classes: objects, by NEWOBJ, and members of enumerations, by a call with a value.</summary>
internal sealed class ScriptedUses(Ledger ledger)
{
    // A set, and its place in a dictionary.
    private const int BytesPerClass = 400;
    private const int BytesPerValue = 60;

    private readonly HashSet<string> _objects = [];
    private readonly Dictionary<string, HashSet<string>> _members = [];

    /// <summary>The classes of objects.</summary>
    public IReadOnlyCollection<string> Objects => _objects;

    /// <summary>The values of members, as <see cref="KeyOf"/> writes them, by their class.</summary>
    public IReadOnlyDictionary<string, HashSet<string>> Members => _members;

    /// <summary>Notes that an object is made of a class.</summary>
    public void AddObject(string type)
    {
        ledger.Work(Ledger.StepsPerLook + type.Length / 8);
        if (_objects.Add(type)) ledger.Charge(BytesPerClass);
    }

    /// <summary>Notes a member by its value: a text, an integer or a floating-point number.</summary>
    public void AddMember(string type, object value)
    {
        var key = KeyOf(value);
        ledger.Work(2 * Ledger.StepsPerLook + (type.Length + key.Length) / 8);
        if (!_members.TryGetValue(type, out var values))
        {
            ledger.Charge(BytesPerClass);
            _members.Add(type, values = []);
        }

        if (values.Add(key)) ledger.Charge(MemorySize.OfText(key.Length) + BytesPerValue);
    }

    /// <summary>A value as libtorch compares it: by type, and by what it is.</summary>
    public static string KeyOf(object value) => value switch
    {
        string text => "s" + text,
        double number => "d" + BitConverter.DoubleToInt64Bits(number == 0 ? 0 : number).ToString("x", CultureInfo.InvariantCulture),
        var number => "i" + PythonText.Print(number),
    };
}
