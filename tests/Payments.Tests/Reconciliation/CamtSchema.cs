using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;

namespace Payments.Tests.Reconciliation;

/// <summary>
/// The rules of camt.053.001.08 for the elements that the reader holds. Elements that it does not read are allowed to be anything (<c>Any</c>), so
/// a document that these rules refuse is one that the whole schema refuses.
/// </summary>
internal static class CamtSchema
{
    private const string Text = """
        <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08" targetNamespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08" elementFormDefault="qualified">
          <xs:simpleType name="Max34"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="34"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Max35"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="35"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Max70"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="70"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Max500"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="500"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Max4"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="4"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Number"><xs:restriction base="xs:decimal"><xs:fractionDigits value="0"/><xs:totalDigits value="18"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Currency"><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{3,3}"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Iban"><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{2,2}[0-9]{2,2}[a-zA-Z0-9]{1,30}"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Sign"><xs:restriction base="xs:string"><xs:enumeration value="CRDT"/><xs:enumeration value="DBIT"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Copy"><xs:restriction base="xs:string"><xs:enumeration value="CODU"/><xs:enumeration value="COPY"/><xs:enumeration value="DUPL"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="Decimal"><xs:restriction base="xs:decimal"><xs:minInclusive value="0"/><xs:fractionDigits value="5"/><xs:totalDigits value="18"/></xs:restriction></xs:simpleType>
          <xs:complexType name="Any" mixed="true"><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/></xs:sequence><xs:anyAttribute processContents="skip"/></xs:complexType>
          <xs:complexType name="Amount"><xs:simpleContent><xs:extension base="Decimal"><xs:attribute name="Ccy" type="Currency" use="required"/></xs:extension></xs:simpleContent></xs:complexType>
          <xs:complexType name="Code"><xs:choice><xs:element name="Cd" type="Max4"/><xs:element name="Prtry" type="Max35"/></xs:choice></xs:complexType>
          <xs:complexType name="Day"><xs:choice><xs:element name="Dt" type="xs:date"/><xs:element name="DtTm" type="xs:dateTime"/></xs:choice></xs:complexType>
          <xs:complexType name="Identification"><xs:choice>
            <xs:element name="IBAN" type="Iban"/>
            <xs:element name="Othr"><xs:complexType><xs:sequence><xs:element name="Id" type="Max34"/><xs:element name="SchmeNm" type="Any" minOccurs="0"/><xs:element name="Issr" type="Max35" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
          </xs:choice></xs:complexType>
          <xs:complexType name="Account"><xs:sequence>
            <xs:element name="Id" type="Identification"/><xs:element name="Tp" type="Any" minOccurs="0"/><xs:element name="Ccy" type="Currency" minOccurs="0"/><xs:element name="Nm" type="Max70" minOccurs="0"/>
            <xs:element name="Prxy" type="Any" minOccurs="0"/><xs:element name="Ownr" type="Any" minOccurs="0"/><xs:element name="Svcr" type="Any" minOccurs="0"/>
          </xs:sequence></xs:complexType>
          <xs:complexType name="Balance"><xs:sequence>
            <xs:element name="Tp"><xs:complexType><xs:sequence><xs:element name="CdOrPrtry" type="Code"/><xs:element name="SubTp" type="Code" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
            <xs:element name="CdtLine" type="Any" minOccurs="0" maxOccurs="unbounded"/><xs:element name="Amt" type="Amount"/><xs:element name="CdtDbtInd" type="Sign"/><xs:element name="Dt" type="Day"/>
            <xs:element name="Avlbty" type="Any" minOccurs="0" maxOccurs="unbounded"/>
          </xs:sequence></xs:complexType>
          <xs:complexType name="Entry"><xs:sequence>
            <xs:element name="NtryRef" type="Max35" minOccurs="0"/><xs:element name="Amt" type="Amount"/><xs:element name="CdtDbtInd" type="Sign"/><xs:element name="RvslInd" type="xs:boolean" minOccurs="0"/>
            <xs:element name="Sts" type="Code"/><xs:element name="BookgDt" type="Day" minOccurs="0"/><xs:element name="ValDt" type="Day" minOccurs="0"/><xs:element name="AcctSvcrRef" type="Max35" minOccurs="0"/>
            <xs:element name="Avlbty" type="Any" minOccurs="0" maxOccurs="unbounded"/>
            <xs:element name="BkTxCd"><xs:complexType><xs:sequence><xs:element name="Domn" type="Any" minOccurs="0"/><xs:element name="Prtry" type="Any" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
            <xs:element name="ComssnWvrInd" type="xs:boolean" minOccurs="0"/><xs:element name="AddtlInfInd" type="Any" minOccurs="0"/><xs:element name="AmtDtls" type="Any" minOccurs="0"/>
            <xs:element name="Chrgs" type="Any" minOccurs="0"/><xs:element name="TechInptChanl" type="Any" minOccurs="0"/><xs:element name="Intrst" type="Any" minOccurs="0"/><xs:element name="CardTx" type="Any" minOccurs="0"/>
            <xs:element name="NtryDtls" type="Any" minOccurs="0" maxOccurs="unbounded"/><xs:element name="AddtlNtryInf" type="Max500" minOccurs="0"/>
          </xs:sequence></xs:complexType>
          <xs:complexType name="Statement"><xs:sequence>
            <xs:element name="Id" type="Max35"/><xs:element name="StmtPgntn" type="Any" minOccurs="0"/><xs:element name="ElctrncSeqNb" type="Number" minOccurs="0"/><xs:element name="RptgSeq" type="Any" minOccurs="0"/>
            <xs:element name="LglSeqNb" type="Number" minOccurs="0"/><xs:element name="CreDtTm" type="xs:dateTime" minOccurs="0"/>
            <xs:element name="FrToDt" minOccurs="0"><xs:complexType><xs:sequence><xs:element name="FrDtTm" type="xs:dateTime"/><xs:element name="ToDtTm" type="xs:dateTime"/></xs:sequence></xs:complexType></xs:element>
            <xs:element name="CpyDplctInd" type="Copy" minOccurs="0"/><xs:element name="RptgSrc" type="Code" minOccurs="0"/><xs:element name="Acct" type="Account"/><xs:element name="RltdAcct" type="Any" minOccurs="0"/>
            <xs:element name="Intrst" type="Any" minOccurs="0" maxOccurs="unbounded"/><xs:element name="Bal" type="Balance" maxOccurs="unbounded"/><xs:element name="TxsSummry" type="Any" minOccurs="0"/>
            <xs:element name="Ntry" type="Entry" minOccurs="0" maxOccurs="unbounded"/><xs:element name="AddtlStmtInf" type="Max500" minOccurs="0"/>
          </xs:sequence></xs:complexType>
          <xs:element name="Document"><xs:complexType><xs:sequence><xs:element name="BkToCstmrStmt"><xs:complexType><xs:sequence>
            <xs:element name="GrpHdr"><xs:complexType><xs:sequence>
              <xs:element name="MsgId" type="Max35"/><xs:element name="CreDtTm" type="xs:dateTime"/><xs:element name="MsgRcpt" type="Any" minOccurs="0"/><xs:element name="MsgPgntn" type="Any" minOccurs="0"/>
              <xs:element name="OrgnlBizQry" type="Any" minOccurs="0"/><xs:element name="AddtlInf" type="Max500" minOccurs="0"/>
            </xs:sequence></xs:complexType></xs:element>
            <xs:element name="Stmt" type="Statement" maxOccurs="unbounded"/><xs:element name="SplmtryData" type="Any" minOccurs="0" maxOccurs="unbounded"/>
          </xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
        </xs:schema>
        """;

    private static readonly XmlSchemaSet Schema = Read();

    public static bool Allows(XDocument document)
    {
        var allowed = true;
        new XDocument(document).Validate(Schema, (_, _) => allowed = false);
        return allowed;
    }

    private static XmlSchemaSet Read()
    {
        var set = new XmlSchemaSet();
        using var reader = XmlReader.Create(new StringReader(Text));
        set.Add("urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", reader);
        set.Compile();
        return set;
    }
}
