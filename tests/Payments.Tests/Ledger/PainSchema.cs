using System.Xml;
using System.Xml.Schema;

namespace Payments.Tests.Ledger;

/// <summary>
/// The rules of pain.001.001.09 for the elements that we write: their order, how often they come, and the forms of what is in them. What
/// keeps these keeps the whole schema's, which leaves out nothing of them and allows more beside them.
/// </summary>
internal static class PainSchema
{
    private const string Text = """
        <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09" targetNamespace="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09" elementFormDefault="qualified">
          <xs:simpleType name="Max35Text"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="35"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Max140Text"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="140"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Max15NumericText"><xs:restriction base="xs:string"><xs:pattern value="[0-9]{1,15}"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="DecimalNumber"><xs:restriction base="xs:decimal"><xs:fractionDigits value="17"/><xs:totalDigits value="18"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Amount"><xs:restriction base="xs:decimal"><xs:minInclusive value="0"/><xs:fractionDigits value="5"/><xs:totalDigits value="18"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="CurrencyCode"><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{3,3}"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Iban"><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{2,2}[0-9]{2,2}[a-zA-Z0-9]{1,30}"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Bic"><xs:restriction base="xs:string"><xs:pattern value="[A-Z0-9]{4,4}[A-Z]{2,2}[A-Z0-9]{2,2}([A-Z0-9]{3,3}){0,1}"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Method"><xs:restriction base="xs:string"><xs:enumeration value="CHK"/><xs:enumeration value="TRF"/><xs:enumeration value="TRA"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="ChargeBearer"><xs:restriction base="xs:string"><xs:enumeration value="DEBT"/><xs:enumeration value="CRED"/><xs:enumeration value="SHAR"/><xs:enumeration value="SLEV"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="ServiceLevel"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="4"/></xs:restriction></xs:simpleType>
          <xs:complexType name="Party"><xs:sequence><xs:element name="Nm" type="Max140Text" minOccurs="0"/></xs:sequence></xs:complexType>
          <xs:complexType name="Account"><xs:sequence><xs:element name="Id"><xs:complexType><xs:choice><xs:element name="IBAN" type="Iban"/></xs:choice></xs:complexType></xs:element></xs:sequence></xs:complexType>
          <xs:complexType name="Agent"><xs:sequence><xs:element name="FinInstnId"><xs:complexType><xs:sequence><xs:element name="BICFI" type="Bic" minOccurs="0"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType>
          <xs:complexType name="Transfer"><xs:sequence>
            <xs:element name="PmtId"><xs:complexType><xs:sequence><xs:element name="InstrId" type="Max35Text" minOccurs="0"/><xs:element name="EndToEndId" type="Max35Text"/></xs:sequence></xs:complexType></xs:element>
            <xs:element name="Amt"><xs:complexType><xs:choice><xs:element name="InstdAmt"><xs:complexType><xs:simpleContent><xs:extension base="Amount"><xs:attribute name="Ccy" type="CurrencyCode" use="required"/></xs:extension></xs:simpleContent></xs:complexType></xs:element></xs:choice></xs:complexType></xs:element>
            <xs:element name="CdtrAgt" type="Agent" minOccurs="0"/>
            <xs:element name="Cdtr" type="Party" minOccurs="0"/>
            <xs:element name="CdtrAcct" type="Account" minOccurs="0"/>
            <xs:element name="RmtInf" minOccurs="0"><xs:complexType><xs:sequence><xs:element name="Ustrd" type="Max140Text" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
          </xs:sequence></xs:complexType>
          <xs:complexType name="Payment"><xs:sequence>
            <xs:element name="PmtInfId" type="Max35Text"/>
            <xs:element name="PmtMtd" type="Method"/>
            <xs:element name="BtchBookg" type="xs:boolean" minOccurs="0"/>
            <xs:element name="NbOfTxs" type="Max15NumericText" minOccurs="0"/>
            <xs:element name="CtrlSum" type="DecimalNumber" minOccurs="0"/>
            <xs:element name="PmtTpInf" minOccurs="0"><xs:complexType><xs:sequence><xs:element name="SvcLvl" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:choice><xs:element name="Cd" type="ServiceLevel"/></xs:choice></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
            <xs:element name="ReqdExctnDt"><xs:complexType><xs:choice><xs:element name="Dt" type="xs:date"/><xs:element name="DtTm" type="xs:dateTime"/></xs:choice></xs:complexType></xs:element>
            <xs:element name="Dbtr" type="Party"/>
            <xs:element name="DbtrAcct" type="Account"/>
            <xs:element name="DbtrAgt" type="Agent"/>
            <xs:element name="ChrgBr" type="ChargeBearer" minOccurs="0"/>
            <xs:element name="CdtTrfTxInf" type="Transfer" maxOccurs="unbounded"/>
          </xs:sequence></xs:complexType>
          <xs:element name="Document"><xs:complexType><xs:sequence><xs:element name="CstmrCdtTrfInitn"><xs:complexType><xs:sequence>
            <xs:element name="GrpHdr"><xs:complexType><xs:sequence>
              <xs:element name="MsgId" type="Max35Text"/>
              <xs:element name="CreDtTm" type="xs:dateTime"/>
              <xs:element name="NbOfTxs" type="Max15NumericText"/>
              <xs:element name="CtrlSum" type="DecimalNumber" minOccurs="0"/>
              <xs:element name="InitgPty" type="Party"/>
            </xs:sequence></xs:complexType></xs:element>
            <xs:element name="PmtInf" type="Payment" maxOccurs="unbounded"/>
          </xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
        </xs:schema>
        """;

    private static readonly XmlSchemaSet Schemas = Compiled();

    /// <summary>What of the document is not as it must be, in words.</summary>
    public static IReadOnlyList<string> Faults(byte[] document)
    {
        var faults = new List<string>();
        var settings = new XmlReaderSettings { ValidationType = ValidationType.Schema, Schemas = Schemas, DtdProcessing = DtdProcessing.Prohibit, ValidationFlags = XmlSchemaValidationFlags.ReportValidationWarnings };
        settings.ValidationEventHandler += (_, fault) => faults.Add(fault.Message);
        using var reader = XmlReader.Create(new MemoryStream(document), settings);
        while (reader.Read())
        {
            // Reading is what validates.
        }

        return faults;
    }

    private static XmlSchemaSet Compiled()
    {
        var schemas = new XmlSchemaSet();
        using var text = new StringReader(Text);
        using var reader = XmlReader.Create(text);
        schemas.Add(null, reader);
        schemas.Compile();
        return schemas;
    }
}
